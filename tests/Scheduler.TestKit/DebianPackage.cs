using System.Diagnostics;

namespace Scheduler.TestKit;

/// <summary>Debian packages that tests need. They are installed if this process runs as root.</summary>
public static class DebianPackage
{
    /// <summary>Throws if the package is missing and cannot be installed.</summary>
    /// <exception cref="InvalidOperationException">This process does not run as root.</exception>
    public static void RequireRoot(string package)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new InvalidOperationException($"Debian's package `{package}` is missing; install it.");
        }
    }

    /// <summary>Installs a package with its dependencies only.</summary>
    /// <exception cref="InvalidOperationException">The installation failed; the message gives the reason.</exception>
    public static async Task InstallAsync(string package, CancellationToken cancellationToken)
    {
        RequireRoot(package);
        await AptGetAsync(["update", "-qq"], cancellationToken);
        await AptGetAsync(
            [
                "install",
                "-qq",
                "-y",
                "--no-install-recommends",
                "-o",
                "DPkg::Options::=--force-confold",
                "-o",
                "DPkg::Lock::Timeout=300",
                package,
            ],
            cancellationToken
        );
    }

    /// <summary>
    /// One at a time on this machine: concurrent updates of the package lists fail. A server that it starts holds no
    /// lock.
    /// </summary>
    private static Task AptGetAsync(string[] arguments, CancellationToken cancellationToken) =>
        QuietProgram.RunAsync(
            new ProcessStartInfo(
                "flock",
                ["--close", Path.Combine(Path.GetTempPath(), "scheduler-tests-apt.lock"), "apt-get", .. arguments]
            ),
            cancellationToken
        );
}
