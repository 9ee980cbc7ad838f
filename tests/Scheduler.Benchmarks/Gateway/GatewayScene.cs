using System.Globalization;
using System.Net;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// A scheduler in a separate process, and nginx in front of the same stub. The scheduler's one running instance is
/// <see cref="StubRuntime"/>, started by the provider <c>process</c> like any runtime.
/// </summary>
internal sealed class GatewayScene : IAsyncDisposable
{
    private const string Account = "accounts/acct-bench-0";

    private readonly SchedulerProcess _scheduler;
    private readonly NginxProxy _nginx;
    private readonly string _instance;

    private GatewayScene(SchedulerProcess scheduler, string instance, int stubPort, int stubId, NginxProxy nginx)
    {
        _scheduler = scheduler;
        _instance = instance;
        _nginx = nginx;
        StubId = stubId;
        Direct = new IPEndPoint(IPAddress.Loopback, stubPort);
        Gateway = new IPEndPoint(IPAddress.Loopback, scheduler.Http.Port);
    }

    public IPEndPoint Direct { get; }

    public IPEndPoint Gateway { get; }

    public NginxProxy Nginx => _nginx;

    public int StubId { get; }

    public int GatewayId => _scheduler.Id;

    /// <summary>Starts all three and waits until the instance runs.</summary>
    /// <param name="settings">Further settings of the scheduler.</param>
    public static async Task<GatewayScene> StartAsync(params string[] settings)
    {
        var port = 20_000 + (Environment.ProcessId % 8_000);
        var scheduler = new SchedulerProcess(
            null,
            [
                "--Providers:Simulated:Enabled=false",
                "--Providers:Process:Enabled=true",
                "--Providers:Process:StateDirectory=data/process",
                // The programs are in the home of this user, which other users cannot read.
                "--Providers:Process:Isolation:OwnUsers=false",
                Process("FirstPort", port),
                Process("LastPort", port),
                Process("Cpu:Enabled", true),
                Process("Cpu:GpuType", "L4"),
                Process("Presets:stub:Program", "dotnet"),
                Process("Presets:stub:Arguments:0", typeof(GatewayScene).Assembly.Location),
                Process("Presets:stub:Arguments:1", "stub-runtime"),
                Process("Presets:stub:Arguments:2", "{port}"),
                Process("Presets:stub:Arguments:3", Environment.ProcessId),
                // One thread waits and answers, without a switch to another thread.
                Process($"Environment:{LoadDriver.Inline}", 1),
                Process("Environment:DOTNET_gcServer", 0),
                "--Scheduler:Providers:RefreshEvery=00:00:01",
                .. settings,
            ]
        )
        {
            Environment = new Dictionary<string, string> { [LoadDriver.Inline] = "0" },
        };
        await scheduler.StartAsync();
        var instance = await LaunchAsync(scheduler);
        using var client = new HttpClient();
        var id = await client.GetStringAsync(
            new Uri(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}/pid"))
        );
        return new GatewayScene(
            scheduler,
            instance,
            port,
            int.Parse(id, CultureInfo.InvariantCulture),
            await NginxProxy.StartAsync(port)
        );
    }

    public async Task<string> NewKeyAsync() =>
        (await new Keys.KeysClient(_scheduler.Calls).CreateKeyAsync(new CreateKeyRequest { Parent = Account })).Token;

    /// <summary>CPU time of the gateway, of nginx, of the stub, and of the driver, which is this process.</summary>
    public TimeSpan[] Cpu() =>
        [
            CpuOf(GatewayId),
            _nginx.Ids.Aggregate(TimeSpan.Zero, (sum, id) => sum + CpuOf(id)),
            CpuOf(StubId),
            Environment.CpuUsage.TotalTime,
        ];

    /// <summary>Resident memory of processes in MiB: current and peak.</summary>
    public static (double Now, double Peak) Resident(params IEnumerable<int> ids)
    {
        var (now, peak) = (0.0, 0.0);
        foreach (var id in ids)
        {
            using var process = System.Diagnostics.Process.GetProcessById(id);
            now += process.WorkingSet64 / 1048576.0;
            peak += process.PeakWorkingSet64 / 1048576.0;
        }

        return (now, peak);
    }

    public async ValueTask DisposeAsync()
    {
        await _nginx.DisposeAsync();
        // A runtime survives the scheduler, unless its instance is stopped.
        await new Instances.InstancesClient(_scheduler.Calls).StopInstanceAsync(
            new StopInstanceRequest { Name = _instance }
        );
        await _scheduler.StopAsync();
        await _scheduler.DisposeAsync();
    }

    private static async Task<string> LaunchAsync(SchedulerProcess scheduler)
    {
        await LaunchFigures.AccountsAsync(scheduler.Calls, 1);
        var client = new Instances.InstancesClient(scheduler.Calls);
        var spec = new LaunchSpec
        {
            Model = "Qwen/Qwen2.5-0.5B",
            ContextTokens = 4096,
            Runtime = "stub",
        };
        var created = await client.CreateInstanceAsync(
            new CreateInstanceRequest
            {
                Parent = Account,
                ServingName = "stub",
                Spec = spec,
            }
        );
        await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name });
        Instance now;
        do
        {
            await Task.Delay(50);
            now = await client.GetInstanceAsync(new GetInstanceRequest { Name = created.Name });
        } while (now.State is not (InstanceState.Running or InstanceState.Failed));

        return now.State == InstanceState.Running
            ? created.Name
            : throw new InvalidOperationException($"The stub did not start: {now}\n{scheduler.Output}");
    }

    private static TimeSpan CpuOf(int id)
    {
        using var process = System.Diagnostics.Process.GetProcessById(id);
        return process.TotalProcessorTime;
    }

    private static string Process(string name, object value) =>
        string.Create(CultureInfo.InvariantCulture, $"--Providers:Process:{name}={value}");
}
