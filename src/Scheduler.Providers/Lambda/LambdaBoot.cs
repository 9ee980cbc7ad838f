using System.Globalization;
using System.Text;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>
/// The script that a new machine runs once: it starts the container as a service. Lambda rents machines and knows no containers.
/// </summary>
internal static class LambdaBoot
{
    private const string Folder = "/etc/gpu-scheduler";

    /// <summary>A name or value with a line break cannot be written to a file of variables; null when there is none.</summary>
    internal static string? FaultOf(RuntimeContainer container) =>
        container.Environment.FirstOrDefault(pair => (pair.Key + pair.Value).Any(char.IsControl)) is { Key: { } name }
            ? $"the variable '{OutputLines.Clean(name)}' has a line break, which Lambda's machines cannot be given"
            : null;

    /// <remarks>
    /// Files are in base64, so that no value is read by a shell. The container runtime of NVIDIA is configured first, and cgroups are driven by
    /// Docker itself: otherwise GPUs vanish from the container when systemd reloads its units.
    /// </remarks>
    internal static string Script(RuntimeContainer container)
    {
        var variables = string.Concat(container.Environment.Select(pair => $"{pair.Key}={pair.Value}\n"));
        return string.Join(
            '\n',
            "#!/bin/bash",
            "set -u",
            $"install -d -m 700 {Folder}",
            Write("runtime.env", variables),
            Write("run.sh", RunCommand(container)),
            Write("gpu-runtime.service", Unit),
            "nvidia-ctk runtime configure --runtime=docker --set-as-default",
            "python3 - <<'END'",
            "import json",
            "path = '/etc/docker/daemon.json'",
            "settings = json.load(open(path))",
            "settings['exec-opts'] = ['native.cgroupdriver=cgroupfs']",
            "json.dump(settings, open(path, 'w'))",
            "END",
            $"cp {Folder}/gpu-runtime.service /etc/systemd/system/",
            "systemctl daemon-reload",
            "systemctl restart docker",
            "systemctl enable --now gpu-runtime.service",
            ""
        );
    }

    private const string Unit = """
        [Unit]
        After=docker.service
        Requires=docker.service

        [Service]
        ExecStart=/bin/bash /etc/gpu-scheduler/run.sh
        Restart=no

        [Install]
        WantedBy=multi-user.target

        """;

    private static string RunCommand(RuntimeContainer container)
    {
        var port = container.Port.ToString(CultureInfo.InvariantCulture);
        List<string> words =
        [
            "docker",
            "run",
            "--rm",
            "--name",
            "gpu-runtime",
            "--gpus",
            "all",
            "--shm-size",
            RuntimeContainer.SharedMemoryBytes.ToString(CultureInfo.InvariantCulture),
            "--env-file",
            $"{Folder}/runtime.env",
            "--publish",
            $"{port}:{port}",
        ];
        if (container.Arguments is { } arguments)
        {
            words.AddRange([container.Image, .. arguments]);
        }
        else
        {
            words.AddRange(["--entrypoint", container.Command[0], container.Image, .. container.Command[1..]]);
        }

        return $"exec {ShellWords.Join(words)}\n";
    }

    private static string Write(string file, string content) =>
        $"(umask 077; echo {Convert.ToBase64String(Encoding.UTF8.GetBytes(content))} | base64 -d > {Folder}/{file})";
}
