using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Host.Tls;

/// <summary>A certificate with its key and chain from PEM files, read again when the files change.</summary>
/// <param name="certificatePath">Leaf first, then those between it and its root.</param>
/// <param name="keyPath">The leaf's key.</param>
/// <param name="clock">Limits how often the files are looked at.</param>
/// <param name="logger">Told of renewed files, and of ones that cannot be read.</param>
internal sealed partial class PemFiles(string certificatePath, string keyPath, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _looking = new();
    private SslStreamCertificateContext? _current;
    private (DateTime Certificate, DateTime Key) _written;
    private long _checkedAt;

    /// <summary>What to show to the other side now.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_looking)
            {
                if (_current is null)
                {
                    Read();
                }
                else if (clock.GetElapsedTime(_checkedAt) >= CheckEvery)
                {
                    TryRenew(_current);
                }

                return _current!;
            }
        }
    }

    /// <summary>Why the files are no certificate with its key; null when they are.</summary>
    public static string? FaultOfPair(string certificatePath, string keyPath) =>
        FaultOf(() => X509Certificate2.CreateFromPemFile(certificatePath, keyPath).Dispose());

    /// <summary>Why the file holds no certificates; null when it does.</summary>
    public static string? FaultOfAuthority(string path) =>
        FaultOf(() =>
        {
            if (Authority(path).Count == 0)
            {
                throw new CryptographicException("It holds no certificate.");
            }
        });

    /// <summary>All certificates of a file.</summary>
    public static X509Certificate2Collection Authority(string path)
    {
        var authority = new X509Certificate2Collection();
        authority.ImportFromPemFile(path);
        return authority;
    }

    private static string? FaultOf(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception exception)
            when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException
            )
        {
            return exception.Message;
        }
    }

    private void Read()
    {
        _checkedAt = clock.GetTimestamp();
        var written = (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath));
        var leaf = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        var chain = Authority(certificatePath);
        _current = SslStreamCertificateContext.Create(leaf, chain, offline: true);
        _written = written;
    }

    private void TryRenew(SslStreamCertificateContext old)
    {
        try
        {
            _checkedAt = clock.GetTimestamp();
            if (_written != (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath)))
            {
                Read();
                LogRenewed(certificatePath);
            }
        }
        catch (Exception exception)
            when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException
            )
        {
            // Half of a renewal may be written: the old one goes on until the files are right, or it expires.
            LogUnreadable(exception, certificatePath);
            _current = old;
        }
    }

    [LoggerMessage(4201, LogLevel.Information, "The certificate {Path} was renewed")]
    private partial void LogRenewed(string path);

    [LoggerMessage(4202, LogLevel.Error, "The certificate {Path} cannot be read; the one before it is still shown")]
    private partial void LogUnreadable(Exception exception, string path);
}
