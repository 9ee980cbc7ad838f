using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.TestKit;

/// <summary>A certificate authority for one test, with its files in a directory.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly TimeSpan Valid = TimeSpan.FromDays(1);

    private readonly string _folder;
    private readonly X509Certificate2 _root;

    /// <param name="name">Base name of its files.</param>
    public TestAuthority(string folder, string name)
    {
        _folder = folder;
        Directory.CreateDirectory(folder);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var now = TimeProvider.System.GetUtcNow();
        _root = request.CreateSelfSigned(now - Valid, now + Valid);
        Path = System.IO.Path.Combine(folder, $"{name}.pem");
        File.WriteAllText(Path, _root.ExportCertificatePem());
    }

    /// <summary>File of its own certificate.</summary>
    public string Path { get; }

    /// <summary>Issues a certificate for <c>localhost</c> and 127.0.0.1. A repeated name renews the files.</summary>
    /// <returns>Its file and its key's file.</returns>
    public (string Certificate, string Key) Issue(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        names.AddIpAddress(IPAddress.Loopback);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var issued = request.Create(_root, now - Valid / 2, now + Valid / 2, RandomNumberGenerator.GetBytes(16));
        var files = (System.IO.Path.Combine(_folder, $"{name}.pem"), System.IO.Path.Combine(_folder, $"{name}.key"));
        File.WriteAllText(files.Item2, key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(files.Item1, issued.ExportCertificatePem());
        return files;
    }

    /// <summary>Whether the authority issued a certificate.</summary>
    public bool Issued(X509Certificate? shown)
    {
        if (shown is null)
        {
            return false;
        }

        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_root);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        using var certificate = X509CertificateLoader.LoadCertificate(shown.GetRawCertData());
        return chain.Build(certificate);
    }

    public void Dispose() => _root.Dispose();
}
