using System.Collections.Immutable;
using Scheduler.Domain.Providers;

namespace Scheduler.Domain.Runtimes;

/// <summary>What a provider of containers starts for an allocation.</summary>
/// <param name="Image">Reference with a tag or a digest.</param>
/// <param name="Command">Program and arguments, for vendors that replace the entry point of the image.</param>
/// <param name="Arguments">
/// What follows the entry point of the image, for vendors that keep it. Null when the image needs another entry point.
/// </param>
/// <param name="Environment">Variables; values may be secrets.</param>
/// <param name="Port">TCP port inside the container on which the runtime answers HTTP.</param>
/// <param name="HealthPath">Path that answers 200 when the runtime can serve.</param>
public sealed record RuntimeContainer(
    string Image,
    ImmutableArray<string> Command,
    ImmutableArray<string>? Arguments,
    ImmutableSortedDictionary<string, string> Environment,
    int Port,
    string HealthPath
)
{
    /// <summary>The port of every container: each has its own network, and the engines' images expose it.</summary>
    public const int DefaultPort = 8000;

    /// <summary>
    /// Limit of <c>/dev/shm</c>, over which the processes of tensor parallelism exchange data. The memory is taken only
    /// when used. 20 GiB as in the Helm chart of vLLM's production-stack.
    /// </summary>
    public const long SharedMemoryBytes = 20L << 30;

    /// <returns>The container, or why there is none, for <see cref="RejectionKind.InvalidRequest"/>.</returns>
    /// <exception cref="ArgumentException">See <see cref="RuntimePreset.Render"/>.</exception>
    /// <exception cref="OverflowException">See <see cref="RuntimePreset.Render"/>.</exception>
    public static (RuntimeContainer? Container, string? Fault) Of(RuntimePreset preset, AllocationRequest request)
    {
        if ((request.Runtime.Image ?? preset.Image) is not { } image)
        {
            return (null, $"The preset '{preset.Name}' names no container image.");
        }

        var engine = preset.Engine;
        var rendered = preset.Render(request.Runtime, "0.0.0.0", DefaultPort);
        var environment = request.Environment;
        if (request.RuntimeKey is { } key)
        {
            if (preset.KeyVariable is not { } variable)
            {
                return (null, $"The preset '{preset.Name}' cannot ask its callers for a key.");
            }

            environment = environment.SetItem(variable, key.Value);
        }

        ImmutableArray<string> command = [preset.Program, .. rendered];
        return (
            new RuntimeContainer(
                image,
                command,
                engine?.EntrypointWords is { } words ? command[words..] : null,
                environment,
                DefaultPort,
                preset.HealthPathOf(request.Runtime)
            ),
            null
        );
    }

    /// <summary>The image and the number of arguments; values may be secrets.</summary>
    public override string ToString() => $"{Image} with {Command.Length} arguments";
}
