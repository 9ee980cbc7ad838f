using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Http;

/// <summary>The container of a request, for vendors that start containers.</summary>
internal static class RentalContainer
{
    /// <returns>The container, or why there is none.</returns>
    internal static (RuntimeContainer? Container, string? Fault) Of(AllocationRequest request)
    {
        if (!RuntimePresets.BuiltIn.TryGetValue(request.Runtime.Preset, out var preset))
        {
            return (null, $"no runtime preset '{OutputLines.Clean(request.Runtime.Preset)}'");
        }

        try
        {
            return RuntimeContainer.Of(preset, request);
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            return (null, e.Message);
        }
    }

    /// <summary>The notes for a request. Call it only after <see cref="Of"/> has found a container for the request.</summary>
    internal static RentalNotes NotesOf(AllocationRequest request)
    {
        var preset = RuntimePresets.BuiltIn[request.Runtime.Preset];
        return new RentalNotes
        {
            Port = RuntimeContainer.DefaultPort,
            HealthPath = preset.HealthPathOf(request.Runtime),
            Tokenizer = preset.TokenizePath is { } path ? new RuntimeTokenizer(path, preset.TokenizeShape) : null,
        };
    }
}
