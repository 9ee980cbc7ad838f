using System.Net;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Providers.Docker;
using Scheduler.TestKit;
using Scheduler.VendorServers.Docker;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

/// <summary>The ways to an engine. Each carries the same HTTP, so that one allocation and its release suffice.</summary>
public sealed class DockerTransportTests : IAsyncLifetime
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("docker-");
    private readonly DockerServer _server = new();
    private WebApplication? _app;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Socket => Path.Combine(_directory.FullName, "engine.sock");

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }

        _server.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_Unix_socket_leads_to_the_engine()
    {
        await StartAsync(kestrel => kestrel.ListenUnixSocket(Socket));

        await RentsAsync("unix://" + Socket, _ => { });
    }

    [Fact]
    public async Task TLS_needs_the_certificates_of_both_sides()
    {
        using var authority = new TestAuthority(_directory.FullName, "ca");
        using var stranger = new TestAuthority(
            Directory.CreateDirectory(Path.Combine(_directory.FullName, "other")).FullName,
            "ca"
        );
        var server = authority.Issue("server");
        using var certificate = X509Certificate2.CreateFromPemFile(server.Certificate, server.Key);
        await StartAsync(kestrel =>
            kestrel.Listen(
                IPAddress.Loopback,
                0,
                listen =>
                    listen.UseHttps(
                        new HttpsConnectionAdapterOptions
                        {
                            ServerCertificate = certificate,
                            ClientCertificateMode = ClientCertificateMode.RequireCertificate,
                            ClientCertificateValidation = (shown, _, _) => authority.Issued(shown),
                        }
                    )
            )
        );
        var endpoint = FormattableString.Invariant($"tcp://localhost:{new Uri(_app!.Urls.First()).Port}");

        await RentsAsync(endpoint, host => host.TlsDirectory = Certificates(authority, authority, "good"));

        var wrongClient = await FaultAsync(endpoint, Certificates(authority, stranger, "stranger"));
        var wrongServer = await FaultAsync(endpoint, Certificates(stranger, authority, "impostor"));
        Assert.IsType<HttpRequestException>(wrongClient);
        Assert.IsType<AuthenticationException>(wrongServer.InnerException);
    }

    [Fact]
    public async Task Ssh_connects_its_input_and_output_to_the_engine()
    {
        await StartAsync(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        var port = new Uri(_app!.Urls.First()).Port;

        // In place of ssh: what dial-stdio does at the other end.
        var relay = FormattableString.Invariant($"exec 3<>/dev/tcp/127.0.0.1/{port}\ncat <&3 &\ncat >&3");
        await RentsAsync("ssh://ops@gpu-1.example", host => host.SshProgram = Script(relay));
    }

    [Fact]
    public async Task A_failing_ssh_is_reported_in_its_own_words()
    {
        await using var host = DockerHost.At("ssh://ops@gpu-1.example");
        host.Host.SshProgram = Script("echo 'ops@gpu-1.example: Permission denied (publickey).' >&2; exit 255");

        var fault = await Assert.ThrowsAsync<HttpRequestException>(() => host.Open().ListOffersAsync(Ct));

        Assert.Contains(
            "ssh to gpu-1.example ended with exit code 255: ops@gpu-1.example: Permission denied (publickey).",
            fault.ToString(),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void Ssh_gets_no_option_from_an_address()
    {
        var host = new DockerHostOptions { Endpoint = "ssh://ops@gpu-1.example:2222", SshOptions = ["-i", "/keys/id"] };

        var arguments = string.Join(' ', SshStream.Arguments(host));

        Assert.EndsWith(
            "-i /keys/id -p 2222 -l ops -- gpu-1.example docker system dial-stdio",
            arguments,
            StringComparison.Ordinal
        );
        Assert.StartsWith("-T -o BatchMode=yes", arguments, StringComparison.Ordinal);
    }

    private async Task StartAsync(Action<KestrelServerOptions> listen)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(listen);
        builder.Services.AddRoutingCore();
        builder.Services.AddSingleton(TimeProvider.System);
        _app = builder.Build();
        _server.MapTo(_app);
        await _app.StartAsync(Ct);
    }

    private static async Task RentsAsync(string endpoint, Action<DockerHostOptions> configure)
    {
        await using var host = DockerHost.At(endpoint);
        host.Host.Address = "127.0.0.1";
        configure(host.Host);
        var provider = host.Open();
        var key = new AllocationKey("i-one-r1-a1");

        var outcome = await provider.AllocateAsync(DockerHost.Request(key.Value), Ct);

        Assert.True(outcome.IsAllocated, outcome.Rejection?.ProviderWords);
        await Eventually.UntilAsync(
            () => provider.FindAsync(key, Ct),
            found => found?.Status == AllocationStatus.Ready,
            "it becomes ready"
        );
        Assert.Contains("ready", await provider.ReadOutputAsync(key, Ct), StringComparison.Ordinal);
        Assert.Equal(ReleaseOutcome.Released, await provider.ReleaseAsync(key, Ct));
    }

    private static async Task<Exception> FaultAsync(string endpoint, string certificates)
    {
        await using var host = DockerHost.At(endpoint);
        host.Host.TlsDirectory = certificates;
        return (await Record.ExceptionAsync(() => host.Open().ListOffersAsync(Ct)))!;
    }

    /// <summary>A directory as <c>DOCKER_CERT_PATH</c> names it.</summary>
    private string Certificates(TestAuthority ofServer, TestAuthority ofClient, string name)
    {
        var directory = _directory.CreateSubdirectory(name).FullName;
        var (certificate, key) = ofClient.Issue("client-" + name);
        File.Copy(ofServer.Path, Path.Combine(directory, "ca.pem"));
        File.Copy(certificate, Path.Combine(directory, "cert.pem"));
        File.Copy(key, Path.Combine(directory, "key.pem"));
        return directory;
    }

    private string Script(string command)
    {
        var path = Path.Combine(_directory.FullName, "ssh");
        File.WriteAllText(path, $"#!/bin/bash\n{command}\n");
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        }

        return path;
    }
}
