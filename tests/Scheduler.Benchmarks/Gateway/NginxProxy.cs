using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.Benchmarks.Gateway;

/// <summary>
/// Debian's nginx as a plain proxy with one worker per core, in a temporary directory; downloaded there if it is not
/// installed. It ends with this process, however that ends.
/// </summary>
internal sealed class NginxProxy : IAsyncDisposable
{
    private readonly Process _watchdog;
    private readonly string _folder;

    private NginxProxy(Process watchdog, string folder, int buffered, int unbuffered)
    {
        _watchdog = watchdog;
        _folder = folder;
        Buffered = new IPEndPoint(IPAddress.Loopback, buffered);
        Unbuffered = new IPEndPoint(IPAddress.Loopback, unbuffered);
    }

    /// <summary>Endpoint that buffers answers, the default of nginx.</summary>
    public IPEndPoint Buffered { get; }

    /// <summary>Endpoint that forwards every byte at once, as event streams need.</summary>
    public IPEndPoint Unbuffered { get; }

    public string Version { get; private set; } = "";

    /// <summary>Process ids of the master and the workers.</summary>
    public IReadOnlyList<int> Ids { get; private set; } = [];

    /// <summary>Starts it in front of a server on this host.</summary>
    public static async Task<NginxProxy> StartAsync(int upstream)
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-nginx-").FullName;
        var program = await ProgramAsync(folder);
        var (buffered, unbuffered) = (FreePort(), FreePort());
        var conf = Path.Combine(folder, "nginx.conf");
        await File.WriteAllTextAsync(conf, Configuration(folder, upstream, buffered, unbuffered));
        var start = new ProcessStartInfo(
            "sh",
            [
                "-c",
                "\"$1\" -p \"$2\" -c \"$2/nginx.conf\" -e stderr < /dev/null & cat > /dev/null; kill $!; wait; rm -rf \"$2\"",
                "sh",
                program,
                folder,
            ]
        )
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
        };
        var proxy = new NginxProxy(Process.Start(start)!, folder, buffered, unbuffered);
        await proxy.ReadyAsync(program);
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        _watchdog.StandardInput.Close();
        await _watchdog.WaitForExitAsync();
        _watchdog.Dispose();
    }

    private async Task ReadyAsync(string program)
    {
        var deadline = Stopwatch.GetTimestamp() + (10 * Stopwatch.Frequency);
        while (Ids.Count <= Environment.ProcessorCount)
        {
            if (Stopwatch.GetTimestamp() > deadline)
            {
                throw new InvalidOperationException("nginx did not start.");
            }

            await Task.Delay(50);
            var file = Path.Combine(_folder, "pid");
            var said = File.Exists(file) ? (await File.ReadAllTextAsync(file)).Trim() : "";
            if (said.Length > 0)
            {
                var workers = await File.ReadAllTextAsync($"/proc/{said}/task/{said}/children");
                Ids =
                [
                    .. workers
                        .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                        .Prepend(said)
                        .Select(id => int.Parse(id, CultureInfo.InvariantCulture)),
                ];
            }
        }

        Version = (await OutputAsync(program, ["-v"], "/")).Trim().Split('/')[^1];
    }

    private static string Configuration(string folder, int upstream, int buffered, int unbuffered) =>
        string.Create(
            CultureInfo.InvariantCulture,
            $$"""
            worker_processes {{Environment.ProcessorCount}};
            daemon off;
            pid {{folder}}/pid;
            error_log stderr error;
            events { worker_connections 10000; }
            http {
              access_log off;
              client_body_temp_path {{folder}}/body;
              proxy_temp_path {{folder}}/proxy;
              fastcgi_temp_path {{folder}}/fastcgi;
              uwsgi_temp_path {{folder}}/uwsgi;
              scgi_temp_path {{folder}}/scgi;
              client_max_body_size 16m;
              keepalive_requests 100000000;
              upstream runtime { server 127.0.0.1:{{upstream}}; keepalive 1024; keepalive_requests 100000000; }
              proxy_http_version 1.1;
              proxy_set_header Connection "";
              server { listen 127.0.0.1:{{buffered}}; location / { proxy_pass http://runtime; } }
              server { listen 127.0.0.1:{{unbuffered}}; proxy_buffering off; location / { proxy_pass http://runtime; } }
            }

            """
        );

    /// <summary>
    /// The installed program, or the unpacked one of the package: an installation would start a server.
    /// </summary>
    private static async Task<string> ProgramAsync(string folder)
    {
        const string installed = "/usr/sbin/nginx";
        if (File.Exists(installed))
        {
            return installed;
        }

        // The package lists may be missing or old.
        await OutputAsync(
            "sh",
            ["-c", "apt-get download -q nginx || (apt-get update -q && apt-get download -q nginx)"],
            folder
        );
        var package = Directory.EnumerateFiles(folder, "nginx_*.deb").SingleOrDefault();
        if (package is null)
        {
            throw new InvalidOperationException(
                "nginx is missing and could not be fetched; install Debian's package `nginx`."
            );
        }

        await OutputAsync("dpkg", ["-x", package, folder], folder);
        return folder + installed;
    }

    private static async Task<string> OutputAsync(string program, string[] arguments, string folder)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync() + await errors;
        await process.WaitForExitAsync();
        return output;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
