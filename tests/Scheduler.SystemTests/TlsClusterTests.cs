using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// With certificates set, the API and the silos use TLS only, and a silo accepts no peer without a certificate of the
/// cluster.
/// </summary>
public sealed class TlsClusterTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_TLS_cluster_refuses_foreign_certificates_and_reloads_a_renewed_one()
    {
        var folder = Directory.CreateTempSubdirectory("certificates-").FullName;
        using var authority = new TestAuthority(folder, "doors-ca");
        using var foreign = new TestAuthority(folder, "foreign-ca");
        var (certificate, key) = authority.Issue("doors");
        var server = await PostgreSqlServer.SharedAsync(Ct);
        await using var cluster = new SchedulerCluster(
            await server.CreateDatabaseAsync(Ct),
            [
                .. LaunchLoad.QuickMarket,
                .. Silos(authority),
                $"--Host:Tls:CertificatePath={certificate}",
                $"--Host:Tls:KeyPath={key}",
            ]
        )
        {
            Authority = authority,
        };
        await cluster.StartAsync(2, Ct);
        var apiNode = cluster.Add("--Host:Role=doors");
        await cluster.StartAllAsync(Ct);

        Assert.Equal("https", apiNode.Http.Scheme);
        using var client = new HttpClient(apiNode.NewHandler());
        var before = await ShownAsync(apiNode.Http, authority);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(new Uri(apiNode.Http, "/livez"), Ct)).StatusCode);
        var load = new LaunchLoad("acct-tls");
        await load.OpenAccountAsync(apiNode.Calls, Ct);
        var instances = new Instances.InstancesClient(apiNode.Calls);
        var made = await instances.CreateInstanceAsync(
            new CreateInstanceRequest
            {
                Parent = load.Account,
                ServingName = "tls",
                Spec = Troubles.On(Troubles.Small),
            },
            cancellationToken: Ct
        );
        await instances.StartInstanceAsync(new StartInstanceRequest { Name = made.Name }, cancellationToken: Ct);
        using var watch = instances.WatchInstance(new WatchInstanceRequest { Name = made.Name }, cancellationToken: Ct);
        Assert.True(await watch.ResponseStream.ReadAllAsync(Ct).AnyAsync(i => i.State == InstanceState.Running, Ct));

        await AssertSilosRefuseForeignPeersAsync(cluster, authority, foreign);

        authority.Issue("doors");
        var began = TimeProvider.System.GetTimestamp();
        while (await ShownAsync(apiNode.Http, authority) == before)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(40), cluster.Output);
            await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, Ct);
        }
    }

    private static async Task AssertSilosRefuseForeignPeersAsync(
        SchedulerCluster cluster,
        TestAuthority authority,
        TestAuthority foreign
    )
    {
        foreach (var port in new[] { cluster.SiloPort(0), cluster.GatewayPort(0) })
        {
            Assert.True(await IsLetInAsync(port, authority, authority.Issue("friend")));
            Assert.False(await IsLetInAsync(port, authority, foreign.Issue("foreign")));
            Assert.False(await IsLetInAsync(port, authority, null));
        }
    }

    private static string[] Silos(TestAuthority authority)
    {
        var (certificate, key) = authority.Issue("silo");
        return
        [
            $"--Host:Tls:Silo:CertificatePath={certificate}",
            $"--Host:Tls:Silo:KeyPath={key}",
            $"--Host:Tls:Silo:CaPath={authority.Path}",
        ];
    }

    private static async Task<string> ShownAsync(Uri api, TestAuthority authority)
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(api.Host, api.Port, Ct);
        var shown = "";
        await using var tls = new SslStream(
            tcp.GetStream(),
            false,
            (_, certificate, _, _) =>
            {
                shown = certificate!.GetCertHashString();
                return authority.Issued(certificate);
            }
        );
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost" }, Ct);
        return shown;
    }

    /// <summary>
    /// Whether a silo accepts the connection: it either sends the first bytes or closes the connection.
    /// </summary>
    private static async Task<bool> IsLetInAsync(
        int port,
        TestAuthority authority,
        (string Certificate, string Key)? files
    )
    {
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port, Ct);
        await using var tls = new SslStream(tcp.GetStream(), false, (_, shown, _, _) => authority.Issued(shown));
        try
        {
            var options = new SslClientAuthenticationOptions { TargetHost = "silo" };
            if (files is var (certificate, key))
            {
                options.ClientCertificateContext = SslStreamCertificateContext.Create(
                    X509Certificate2.CreateFromPemFile(certificate, key),
                    null,
                    offline: true
                );
            }

            await tls.AuthenticateAsClientAsync(options, Ct);
            // In TLS 1.3 a client completes its handshake before the server has checked the client certificate.
            using var quiet = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            quiet.CancelAfter(TimeSpan.FromSeconds(2));
            try
            {
                return await tls.ReadAsync(new byte[1], quiet.Token) > 0;
            }
            catch (OperationCanceledException) when (!Ct.IsCancellationRequested)
            {
                return true;
            }
        }
        catch (Exception refused) when (refused is AuthenticationException or IOException)
        {
            return false;
        }
    }
}
