using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Scheduler.TestKit;
using Scheduler.VendorServers.Kubernetes;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>etcd, kube-apiserver and kube-scheduler as processes on loopback, in a folder of their own.</summary>
internal sealed class ControlPlane : IAsyncDisposable
{
    internal const string Token = "control-plane-token";

    /// <summary>Token of the service account to which the manifests of <c>deploy/kubernetes/runtimes</c> give rights.</summary>
    private const string SchedulerToken = "scheduler-token";

    private readonly List<System.Diagnostics.Process> _processes = [];
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("control-plane-");

    private ControlPlane(int port) => Address = new Uri($"https://127.0.0.1:{port}/");

    internal Uri Address { get; }

    /// <summary>Access with all rights.</summary>
    internal string KubeConfig => PathOf("kubeconfig");

    /// <summary>Access with the rights of the manifests only.</summary>
    internal string SchedulerKubeConfig => PathOf("scheduler-kubeconfig");

    internal RemoteKubelets Kubelets { get; private set; } = null!;

    /// <param name="binaries">Folder with the three programs; see <c>build-control-plane.sh</c>.</param>
    internal static async Task<ControlPlane> StartAsync(string binaries, CancellationToken cancellationToken)
    {
        var plane = new ControlPlane(FreePort());
        try
        {
            await plane.RunAsync(binaries, cancellationToken);
            return plane;
        }
        catch
        {
            await plane.DisposeAsync();
            throw;
        }
    }

    internal string Output(string program) => File.ReadAllText(PathOf(program + ".log"));

    public async ValueTask DisposeAsync()
    {
        if (Kubelets is not null)
        {
            await Kubelets.DisposeAsync();
        }

        foreach (var process in Enumerable.Reverse(_processes))
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync(CancellationToken.None);
            process.Dispose();
        }

        _folder.Delete(recursive: true);
    }

    private async Task RunAsync(string binaries, CancellationToken cancellationToken)
    {
        WriteFiles();
        var (etcd, peer) = (FreePort(), FreePort());
        Start(
            binaries,
            "etcd",
            "--unsafe-no-fsync",
            "--data-dir",
            PathOf("etcd"),
            "--listen-client-urls",
            $"http://127.0.0.1:{etcd}",
            "--advertise-client-urls",
            $"http://127.0.0.1:{etcd}",
            "--listen-peer-urls",
            $"http://127.0.0.1:{peer}"
        );
        Start(
            binaries,
            "kube-apiserver",
            [
                .. $"--etcd-servers http://127.0.0.1:{etcd} --bind-address 127.0.0.1 --advertise-address 127.0.0.1".Split(
                    ' '
                ),
                .. $"--secure-port {Address.Port} --insecure-port 0 --service-account-issuer https://test".Split(' '),
                .. "--service-cluster-ip-range 10.0.0.0/24 --authorization-mode RBAC --endpoint-reconciler-type none".Split(
                    ' '
                ),
                .. "--disable-admission-plugins ServiceAccount,TaintNodesByCondition".Split(' '),
                "--cert-dir",
                _folder.FullName,
                "--service-account-key-file",
                PathOf("key.pem"),
                "--service-account-signing-key-file",
                PathOf("key.pem"),
                "--token-auth-file",
                PathOf("tokens"),
            ]
        );
        await Eventually.TrueAsync(
            () => File.Exists(PathOf("apiserver.crt")),
            "the API server has made its certificate"
        );
        using var certificate = X509Certificate2.CreateFromPem(
            await File.ReadAllTextAsync(PathOf("apiserver.crt"), cancellationToken)
        );
        Kubelets = new RemoteKubelets(
            Address,
            Token,
            X509CertificateLoader.LoadCertificate(certificate.RawData),
            TimeProvider.System
        );
        await Kubelets.StartAsync(cancellationToken);
        await Eventually.TrueAsync(() => Kubelets.HasNamespace("default"), "the API server has made its namespaces");
        Start(
            binaries,
            "kube-scheduler",
            [
                .. $"--leader-elect=false --port 0 --secure-port {FreePort()} --authentication-skip-lookup=true".Split(
                    ' '
                ),
                "--kubeconfig",
                KubeConfig,
                "--cert-dir",
                PathOf("scheduler"),
            ]
        );
    }

    private void WriteFiles()
    {
        using var key = RSA.Create(2048);
        File.WriteAllText(PathOf("key.pem"), key.ExportRSAPrivateKeyPem());
        File.WriteAllText(
            PathOf("tokens"),
            $"{Token},admin,1,\"system:masters\"\n"
                + $"{SchedulerToken},system:serviceaccount:scheduler:scheduler,2,\"system:serviceaccounts\"\n"
        );
        foreach (var (file, token) in new[] { (KubeConfig, Token), (SchedulerKubeConfig, SchedulerToken) })
        {
            File.WriteAllText(
                file,
                $$"""
                apiVersion: v1
                kind: Config
                current-context: test
                clusters: [{ name: test, cluster: { server: "{{Address.AbsoluteUri.TrimEnd(
                    '/'
                )}}", insecure-skip-tls-verify: true } }]
                users: [{ name: test, user: { token: {{token}} } }]
                contexts: [{ name: test, context: { cluster: test, user: test } }]

                """
            );
        }
    }

    private void Start(string binaries, string program, params IEnumerable<string> arguments)
    {
        var log = PathOf(program + ".log");
        // The shell only redirects: a program that fills a pipe which is not read would stop.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = _folder.FullName };
        foreach (
            var part in (IEnumerable<string>)
                [
                    "-c",
                    "log=$1; shift; exec \"$@\" >\"$log\" 2>&1",
                    "sh",
                    log,
                    Path.Combine(binaries, program),
                    .. arguments,
                ]
        )
        {
            start.ArgumentList.Add(part);
        }

        _processes.Add(System.Diagnostics.Process.Start(start)!);
    }

    private string PathOf(string file) => Path.Combine(_folder.FullName, file);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
