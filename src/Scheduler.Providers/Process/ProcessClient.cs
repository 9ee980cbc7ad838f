using System.ComponentModel;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Scheduler.Domain.Runtimes;
using OsProcess = System.Diagnostics.Process;

namespace Scheduler.Providers.Process;

/// <summary>Starts, finds and signals child processes.</summary>
/// <remarks>
/// Each child has a separate session (<c>setsid</c>): all its descendants can be found and ended with it. A Ctrl-C at
/// the scheduler's terminal does not reach it. A shell starts the runtime. It keeps the scheduler's user, so that the runtime cannot change what
/// the shell writes; the runtime loses its rights (<see cref="ProcessIsolation"/>). The shell records its own process, waits,
/// and records the exit code. A scheduler that starts later cannot wait for a process that is not its child.
/// </remarks>
internal sealed partial class ProcessClient(ProcessOptions options, ProcessStore store, ProcessIsolation isolation)
{
    internal const int TerminateSignal = 15;
    internal const int KillSignal = 9;

    private const string AllocationVariable = "SCHEDULER_ALLOCATION";
    private const string ClusterVariable = "SCHEDULER_CLUSTER";
    private const string InstanceVariable = "SCHEDULER_INSTANCE";

    /// <summary>Contains the state directory, which distinguishes the children of two schedulers on one host.</summary>
    private const string StateVariable = "SCHEDULER_STATE";

    /// <summary>
    /// <c>$0</c> is the allocation's folder, <c>$@</c> the runtime's command line; the shell does not interpret them.
    /// If a crash led to two children, noclobber (<c>set -C</c>) lets only the first one write <c>stat</c> and
    /// continue. The empty trap keeps the shell running after SIGTERM to its group until the runtime has exited. The
    /// runtime does not inherit the trap, as it would inherit an ignored signal. Next to the exit code the shell writes
    /// the kernel's count of out-of-memory kills before and after. If the count did not change, SIGKILL came from
    /// another process.
    /// </summary>
    private const string Launcher = """
        trap : TERM INT HUP
        set -C
        cat "/proc/$$/stat" > "$0/stat" || exit 125
        set +C
        exec < /dev/null >> "$0/output.log" 2>&1
        kills() {
          [ -r /proc/vmstat ] && while read -r name value; do
            [ "$name" = oom_kill ] && echo "$value"
          done < /proc/vmstat
        }
        before=$(kills)
        "$@"
        code=$?
        echo "$code $before $(kills)" > "$0/exit.new" && mv "$0/exit.new" "$0/exit"
        """;

    /// <summary>
    /// Variables that every program or the GPU libraries need. The child does not receive other variables of the
    /// scheduler.
    /// </summary>
    private static readonly string[] AlwaysPassed =
    [
        "PATH",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "CUDA_HOME",
        "HF_HOME",
        "HF_HUB_OFFLINE",
    ];

    /// <summary>Variables that name the private directory, unless a setting gives them another value.</summary>
    private static readonly string[] PrivateDirectories = ["HOME", "TMPDIR", "XDG_CACHE_HOME"];

    private readonly string _stateDirectory = Path.GetFullPath(options.StateDirectory);
    private readonly string _bootId = ProcFs.BootId();

    internal string BootId => _bootId;

    internal static bool CanRun(string program) =>
        Path.IsPathRooted(program)
            ? File.Exists(program)
            : (Environment.GetEnvironmentVariable("PATH") ?? "")
                .Split(':', StringSplitOptions.RemoveEmptyEntries)
                .Any(folder => File.Exists(Path.Combine(folder, program)));

    /// <summary>Starts the runtime of a record that is already stored.</summary>
    /// <param name="own">Variables of this runtime only. No command line and no file contains them.</param>
    /// <returns>Error message; null on success.</returns>
    internal string? Start(
        ProcessRecord record,
        RuntimePreset preset,
        IEnumerable<string> arguments,
        IEnumerable<KeyValuePair<string, string>> own
    )
    {
        using var child = new OsProcess();
        var start = child.StartInfo;
        start.FileName = "setsid";
        start.UseShellExecute = false;
        string[] launcher = ["sh", "-c", Launcher, store.FolderOf(record.Key)];
        foreach (var argument in launcher.Concat(isolation.CommandOf(record)).Append(preset.Program).Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        SetEnvironment(start.Environment, record, own);
        start.WorkingDirectory = isolation.HomeOf(record.Key);
        try
        {
            isolation.Prepare(record);
            child.Start();
            return null;
        }
        catch (Exception e) when (e is Win32Exception or IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
    }

    /// <summary>
    /// The child as recorded in its <c>stat</c> file; null before the child writes it, and for a child of an earlier
    /// boot.
    /// </summary>
    internal ProcStat? ChildOf(ProcessRecord record) =>
        string.Equals(record.BootId, _bootId, StringComparison.Ordinal)
        && store.ReadText(record.Key, "stat") is { } line
            ? ProcStat.Parse(line)
            : null;

    /// <summary>
    /// The key that a runtime asks its callers for, from the environment of its process; null when it asks for none. A scheduler that
    /// restarted has no other copy.
    /// </summary>
    internal static RuntimeKey? KeyOf(ProcessRecord record, ProcStat child) =>
        record.KeyVariable is { } name && ProcFs.Environment(child.Id).TryGetValue(name, out var key)
            ? new RuntimeKey(key)
            : null;

    internal bool IsFromEarlierBoot(ProcessRecord record) =>
        !string.Equals(record.BootId, _bootId, StringComparison.Ordinal);

    internal static bool IsAlive(ProcStat child) =>
        ProcFs.Stat(child.Id) is { } now && now.IsAlive && now.IsSameProcess(child);

    /// <summary>
    /// All running processes of one allocation: the child's session, and processes with its tag that have left the
    /// session.
    /// </summary>
    internal List<ProcStat> MembersOf(string key, ProcStat? child) =>
        [
            .. ProcFs
                .All()
                .Where(process => process.IsAlive && (IsInSessionOf(process, child) || IsTagged(process.Id, key))),
        ];

    internal static HashSet<int> LiveSessions() =>
        [.. ProcFs.All().Where(process => process.IsAlive).Select(process => process.Session)];

    /// <summary>Running children of this scheduler, found by their tags, with or without a record.</summary>
    internal List<(string Key, string Cluster, string Instance)> Tagged()
    {
        var found = new List<(string, string, string)>();
        foreach (var process in ProcFs.All().Where(process => process.IsAlive))
        {
            var tags = ProcFs.Environment(process.Id);
            if (IsOurs(tags) && tags.TryGetValue(AllocationVariable, out var key))
            {
                found.Add(
                    (key, tags.GetValueOrDefault(ClusterVariable, ""), tags.GetValueOrDefault(InstanceVariable, ""))
                );
            }
        }

        return found;
    }

    /// <summary>Signals each process; a process that has already exited is not an error.</summary>
    internal static void Signal(IEnumerable<ProcStat> processes, int signal)
    {
        foreach (var process in processes)
        {
            // Checks the start time again, because the kernel may reuse an id between listing and signalling, though
            // only after 32,768 other ids.
            if (IsAlive(process))
            {
                Kill(process.Id, signal);
            }
        }
    }

    /// <summary>Signals a whole group at once, so that new processes of the group are not missed.</summary>
    internal static void SignalGroup(ProcStat leader, int signal)
    {
        if (IsAlive(leader) && leader.Group == leader.Id)
        {
            Kill(-leader.Id, signal);
        }
    }

    /// <summary>A port without a listener that is not assigned to another child; null if there is none.</summary>
    internal int? FreePort(IReadOnlySet<int> promised)
    {
        for (var port = options.FirstPort; port <= options.LastPort; port++)
        {
            if (!promised.Contains(port) && IsFree(port))
            {
                return port;
            }
        }

        return null;
    }

    private bool IsFree(int port)
    {
        var address = IPAddress.Parse(options.Host);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(address, port));
            return true;
        }
        catch (SocketException e)
            when (e.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
        {
            return false;
        }
    }

    private void SetEnvironment(
        IDictionary<string, string?> environment,
        ProcessRecord record,
        IEnumerable<KeyValuePair<string, string>> own
    )
    {
        var passed = AlwaysPassed
            .Concat(options.PassEnvironment)
            .Distinct(StringComparer.Ordinal)
            .Select(name => (Name: name, Value: Environment.GetEnvironmentVariable(name)))
            .Where(variable => variable.Value is not null)
            .ToList();
        environment.Clear();
        foreach (var (name, value) in passed)
        {
            environment[name] = value;
        }

        foreach (var name in PrivateDirectories)
        {
            environment[name] = isolation.HomeOf(record.Key);
        }

        foreach (var (name, value) in options.Environment)
        {
            environment[name] = value;
        }

        foreach (var (name, value) in own)
        {
            environment[name] = value;
        }

        // An empty list hides all GPUs from a runtime without GPUs. AMD's runtime reads the variable for CUDA too, so a runtime
        // on AMD's GPUs must not have it.
        if (!record.IsAmd)
        {
            environment["CUDA_VISIBLE_DEVICES"] = string.Join(',', record.Gpus);
        }

        environment["ROCR_VISIBLE_DEVICES"] = record.IsAmd ? string.Join(',', record.Gpus) : "";
        environment[AllocationVariable] = record.Key;
        environment[ClusterVariable] = record.Cluster;
        environment[InstanceVariable] = record.Instance;
        environment[StateVariable] = _stateDirectory;
    }

    /// <summary>
    /// The kernel reuses a session id only after all processes of the session have exited. So if another process than
    /// the child has this id, the session belongs to another program.
    /// </summary>
    private static bool IsInSessionOf(ProcStat process, ProcStat? child) =>
        child is { } leader
        && process.Session == leader.Id
        && (ProcFs.Stat(leader.Id) is not { } now || now.IsSameProcess(leader));

    private bool IsTagged(int processId, string key)
    {
        var tags = ProcFs.Environment(processId);
        return IsOurs(tags)
            && tags.TryGetValue(AllocationVariable, out var tagged)
            && string.Equals(tagged, key, StringComparison.Ordinal);
    }

    private bool IsOurs(Dictionary<string, string> tags) =>
        tags.TryGetValue(StateVariable, out var state)
        && string.Equals(state, _stateDirectory, StringComparison.Ordinal);

    private static void Kill(int target, int signal)
    {
        if (KillCore(target, signal) != 0 && Marshal.GetLastPInvokeError() != NoSuchProcess)
        {
            throw new Win32Exception(
                Marshal.GetLastPInvokeError(),
                string.Create(CultureInfo.InvariantCulture, $"kill({target}, {signal}) failed")
            );
        }
    }

    private const int NoSuchProcess = 3;

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int KillCore(int target, int signal);
}
