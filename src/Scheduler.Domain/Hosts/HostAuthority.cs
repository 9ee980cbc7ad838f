using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Domain.Hosts;

/// <summary>
/// The authority of the hosts' certificates. Hosts get certificates for servers, and the scheduler one for clients, so that no host can
/// call another host as the scheduler.
/// </summary>
public static class HostAuthority
{
    /// <summary>Subject of the scheduler's certificate. No host has it, because names of hosts are compared with their own.</summary>
    public const string SchedulerName = "scheduler of this cluster";

    /// <summary>How long a host's certificate is valid; it is renewed when a third of that is left.</summary>
    public static readonly TimeSpan HostValidity = TimeSpan.FromDays(90);

    /// <summary>Clocks of hosts may be behind by this much.</summary>
    private static readonly TimeSpan Skew = TimeSpan.FromHours(1);

    private static readonly TimeSpan AuthorityValidity = TimeSpan.FromDays(3650);
    private static readonly TimeSpan ClientValidity = TimeSpan.FromDays(30);

    private const int SerialBytes = 16;
    private const string ServerUse = "1.3.6.1.5.5.7.3.1";
    private const string ClientUse = "1.3.6.1.5.5.7.3.2";

    /// <returns>Certificate and private key, PEM.</returns>
    public static (string Certificate, string Key) Make(DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=scheduler hosts", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, true, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var root = request.CreateSelfSigned(now - Skew, now + AuthorityValidity);
        return (root.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    /// <summary>SHA-256 of a certificate, lower-case hexadecimal.</summary>
    public static string Fingerprint(string certificate)
    {
        using var parsed = X509Certificate2.CreateFromPem(certificate);
        return parsed.GetCertHashString(HashAlgorithmName.SHA256).ToLowerInvariant();
    }

    /// <summary>A new private key, and a request to sign a certificate for it.</summary>
    /// <returns>Key and request, PEM.</returns>
    public static (string Key, string Request) NewRequest(string host)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (
            key.ExportPkcs8PrivateKeyPem(),
            new CertificateRequest($"CN={host}", key, HashAlgorithmName.SHA256).CreateSigningRequestPem()
        );
    }

    /// <summary>Fingerprint of the public key of a request; null if it is no request that its key signed.</summary>
    public static string? KeyFingerprint(string request) =>
        Load(request) is { } loaded
            ? Convert.ToHexStringLower(SHA256.HashData(loaded.PublicKey.ExportSubjectPublicKeyInfo()))
            : null;

    /// <summary>Signs a host's certificate. Nothing but the public key is taken from the request.</summary>
    /// <param name="request">A request that <see cref="KeyFingerprint"/> accepts.</param>
    /// <returns>The certificate, PEM.</returns>
    public static string Sign(string authority, string authorityKey, string request, string host, DateTimeOffset now)
    {
        var asked = Load(request) ?? throw new ArgumentException("This is no certificate request.", nameof(request));
        var certificate = new CertificateRequest(
            new X500DistinguishedName($"CN={host}"),
            asked.PublicKey,
            HashAlgorithmName.SHA256
        );
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        certificate.CertificateExtensions.Add(names.Build());
        return Issue(certificate, ServerUse, authority, authorityKey, now, HostValidity).ExportCertificatePem();
    }

    /// <summary>Issues the certificate with which one process of the scheduler calls hosts.</summary>
    public static X509Certificate2 IssueClient(string authority, string authorityKey, DateTimeOffset now)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var certificate = new CertificateRequest($"CN={SchedulerName}", key, HashAlgorithmName.SHA256);
        using var issued = Issue(certificate, ClientUse, authority, authorityKey, now, ClientValidity);
        return issued.CopyWithPrivateKey(key);
    }

    /// <summary>Whether the authority issued a certificate to a host, and it is valid now.</summary>
    public static bool IsHost(X509Certificate2 shown, X509Certificate2 authority, string host, DateTimeOffset now) =>
        IsIssued(shown, authority, host, ServerUse, now);

    /// <summary>Whether the authority issued a certificate to the scheduler, and it is valid now.</summary>
    public static bool IsScheduler(X509Certificate2 shown, X509Certificate2 authority, DateTimeOffset now) =>
        IsIssued(shown, authority, SchedulerName, ClientUse, now);

    private static bool IsIssued(
        X509Certificate2 shown,
        X509Certificate2 authority,
        string name,
        string use,
        DateTimeOffset now
    )
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(use));
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        // There is no revocation list: a removed host is not called, and gets no new certificate.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        return chain.Build(shown)
            && string.Equals(shown.GetNameInfo(X509NameType.SimpleName, false), name, StringComparison.Ordinal);
    }

    private static X509Certificate2 Issue(
        CertificateRequest certificate,
        string use,
        string authority,
        string authorityKey,
        DateTimeOffset now,
        TimeSpan validity
    )
    {
        certificate.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        certificate.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        certificate.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(use)], true));
        using var root = X509Certificate2.CreateFromPem(authority, authorityKey);
        // A clock that was set back must not make a certificate that is older than its authority.
        var first = new DateTimeOffset(root.NotBefore.ToUniversalTime(), TimeSpan.Zero);
        var last = new DateTimeOffset(root.NotAfter.ToUniversalTime(), TimeSpan.Zero);
        var (from, until) = (now - Skew, now + validity);
        return certificate.Create(
            root,
            from > first ? from : first,
            until < last ? until : last,
            RandomNumberGenerator.GetBytes(SerialBytes)
        );
    }

    private static CertificateRequest? Load(string request)
    {
        try
        {
            return CertificateRequest.LoadSigningRequestPem(request, HashAlgorithmName.SHA256);
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException)
        {
            return null;
        }
    }
}
