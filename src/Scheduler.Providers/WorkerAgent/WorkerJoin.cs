using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.WorkerAgent;

/// <summary>Joins the cluster: sends the token and a certificate request, and keeps the certificate.</summary>
internal static class WorkerJoin
{
    private const string Path = "v1/hosts:join";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Joins unless the host has joined already.</summary>
    /// <exception cref="WorkerJoinException">The host cannot join; the message says why.</exception>
    internal static async Task EnsureAsync(
        WorkerIdentity identity,
        WorkerAgentOptions options,
        CancellationToken cancellationToken
    )
    {
        if (identity.HasJoined)
        {
            return;
        }

        if (options.Join is not { } scheduler || JoinToken.Parse(options.Token ?? "") is not { } token)
        {
            throw new WorkerJoinException(
                "This host has not joined: start it with --join https://SCHEDULER --token TOKEN. An operator makes the token on the page Hosts."
            );
        }

        var facts = identity.Facts ?? FactsOf(options, new Uri(scheduler));
        identity.SetFacts(facts);
        var answer = await AskAsync(identity.FirstRequest(facts.Name), facts, token, options, cancellationToken);
        if (HostAuthority.Fingerprint(answer.Authority) != token.Authority)
        {
            throw new WorkerJoinException(
                $"{scheduler} is not the scheduler that made the token: it has another authority. Nothing was joined."
            );
        }

        identity.Accept(answer.Certificate, answer.Authority);
    }

    private static async Task<Joined> AskAsync(
        string request,
        HostFacts facts,
        JoinToken token,
        WorkerAgentOptions options,
        CancellationToken cancellationToken
    )
    {
        using var handler = HandlerOf(options.CaFile);
        using var http = new HttpClient(handler) { Timeout = Patience };
        var uri = new Uri(new Uri(options.Join!.TrimEnd('/') + "/"), Path);
        try
        {
            using var answer = await http.PostAsJsonAsync(
                uri,
                new
                {
                    token = token.Reveal(),
                    hostId = facts.Name,
                    address = facts.Uri.ToString(),
                    certificateRequest = request,
                },
                cancellationToken
            );
            var text = await answer.Content.ReadAsStringAsync(cancellationToken);
            return answer.IsSuccessStatusCode
                ? JsonSerializer.Deserialize<Joined>(text, Worker.WorkerWire.Json)
                    ?? throw new WorkerJoinException($"{uri} answered nothing.")
                : throw new WorkerJoinException($"{uri} refused with {(int)answer.StatusCode}: {text}");
        }
        catch (Exception exception)
            when (exception is HttpRequestException or JsonException
                || (exception is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            throw new WorkerJoinException($"{uri} does not answer as a scheduler does: {exception.Message}", exception);
        }
    }

    private static SocketsHttpHandler HandlerOf(string? authority)
    {
        var handler = new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false };
        if (authority is not null)
        {
            var trusted = new X509Certificate2Collection();
            trusted.ImportFromPemFile(authority);
            handler.SslOptions.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            handler.SslOptions.CertificateChainPolicy.CustomTrustStore.AddRange(trusted);
        }

        return handler;
    }

    private static HostFacts FactsOf(WorkerAgentOptions options, Uri scheduler) =>
        new(options.NameOrMachine, options.Address ?? AddressTowards(scheduler), options.Port);

    /// <summary>The address from which this host would send to the scheduler. Nothing is sent.</summary>
    private static string AddressTowards(Uri scheduler)
    {
        try
        {
            var target = IPAddress.TryParse(scheduler.Host.Trim('[', ']'), out var given)
                ? given
                : Dns.GetHostAddresses(scheduler.DnsSafeHost)[0];
            using var socket = new Socket(target.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
            socket.Connect(target, scheduler.Port);
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (SocketException exception)
        {
            throw new WorkerJoinException($"{scheduler} cannot be reached from here: {exception.Message}", exception);
        }
    }

    private sealed record Joined(string Certificate, string Authority);
}

/// <summary>A host cannot join. The message is for its operator.</summary>
public sealed class WorkerJoinException : Exception
{
    public WorkerJoinException() { }

    public WorkerJoinException(string message)
        : base(message) { }

    public WorkerJoinException(string message, Exception? innerException)
        : base(message, innerException) { }
}
