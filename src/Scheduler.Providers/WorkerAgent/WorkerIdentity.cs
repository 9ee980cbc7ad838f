using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.WorkerAgent;

/// <summary>Name, address, key and certificate of this host. Its private key never leaves the host.</summary>
/// <remarks>
/// <list type="bullet">
/// <item><c>host.json</c>: name and address, written before the first request, so that a repeated join asks for the same.</item>
/// <item><c>host.key</c>, <c>host.pem</c>: the key and its certificate; <c>authority.pem</c>: who signed it.</item>
/// <item><c>next.key</c>: the key of a requested renewal.</item>
/// </list>
/// </remarks>
internal sealed class WorkerIdentity
{
    private readonly string _folder;
    private readonly Lock _renewing = new();
    private volatile X509Certificate2? _certificate;
    private volatile X509Certificate2? _authority;

    internal WorkerIdentity(string folder)
    {
        _folder = Path.GetFullPath(folder);
        Directory.CreateDirectory(_folder);
        if (File.Exists(PathOf("host.pem")))
        {
            Load();
        }
    }

    /// <summary>Whether it has a certificate.</summary>
    internal bool HasJoined => _certificate is not null;

    internal X509Certificate2 Certificate =>
        _certificate ?? throw new InvalidOperationException("The host has not joined.");

    internal X509Certificate2 Authority =>
        _authority ?? throw new InvalidOperationException("The host has not joined.");

    /// <summary>Name and address; null before the first join.</summary>
    internal HostFacts? Facts =>
        File.Exists(PathOf("host.json"))
            ? JsonSerializer.Deserialize<HostFacts>(File.ReadAllBytes(PathOf("host.json")), Worker.WorkerWire.Json)
            : null;

    internal void SetFacts(HostFacts facts) =>
        Write("host.json", JsonSerializer.Serialize(facts, Worker.WorkerWire.Json));

    /// <summary>The request to sign the first certificate. A repetition asks for the same key.</summary>
    internal string FirstRequest(string name)
    {
        if (!File.Exists(PathOf("host.key")) || !File.Exists(PathOf("host.request")))
        {
            var (key, request) = HostAuthority.NewRequest(name);
            Write("host.key", key);
            Write("host.request", request);
        }

        return File.ReadAllText(PathOf("host.request"));
    }

    /// <exception cref="CryptographicException">The certificate is not for this host's key.</exception>
    internal void Accept(string certificate, string authority)
    {
        using (X509Certificate2.CreateFromPem(certificate, File.ReadAllText(PathOf("host.key")))) { }

        Write("authority.pem", authority);
        Write("host.pem", certificate);
        Load();
    }

    /// <summary>A request to sign a certificate for a new key. A repetition makes another key.</summary>
    internal string NextRequest()
    {
        lock (_renewing)
        {
            var (key, request) = HostAuthority.NewRequest(Facts!.Name);
            Write("next.key", key);
            return request;
        }
    }

    /// <summary>Uses the certificate for the next key. False if it is for another key, or not valid.</summary>
    internal bool TryRenew(string certificate, DateTimeOffset now)
    {
        lock (_renewing)
        {
            if (!File.Exists(PathOf("next.key")))
            {
                return false;
            }

            var key = File.ReadAllText(PathOf("next.key"));
            try
            {
                using var next = X509Certificate2.CreateFromPem(certificate, key);
                if (!HostAuthority.IsHost(next, Authority, Facts!.Name, now))
                {
                    return false;
                }
            }
            catch (Exception exception) when (exception is CryptographicException or ArgumentException)
            {
                return false;
            }

            // One file holds both, so that no crash leaves a key with the certificate of another.
            Write("host.both", key + "\n" + certificate);
            File.Delete(PathOf("next.key"));
            Load();
            return true;
        }
    }

    private void Load()
    {
        _authority = X509Certificate2.CreateFromPem(File.ReadAllText(PathOf("authority.pem")));
        var both = PathOf("host.both");
        _certificate = File.Exists(both)
            ? X509Certificate2.CreateFromPem(File.ReadAllText(both), File.ReadAllText(both))
            : X509Certificate2.CreateFromPem(
                File.ReadAllText(PathOf("host.pem")),
                File.ReadAllText(PathOf("host.key"))
            );
    }

    private string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Writes a file that only its owner can read, and moves it into place.</summary>
    private void Write(string name, string text)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using (var file = new FileStream(PathOf(name + ".new"), options))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(text));
            file.Flush(flushToDisk: true);
        }

        File.Move(PathOf(name + ".new"), PathOf(name), overwrite: true);
    }
}

/// <param name="Address">IP address at which the worker listens.</param>
internal sealed record HostFacts(string Name, string Address, int Port)
{
    internal Uri Uri => new UriBuilder(Uri.UriSchemeHttps, Address, Port).Uri;
}
