using System.Diagnostics;

namespace Scheduler.TestKit;

/// <summary>Packages of Debian that tests need. They are installed where that can be done without asking: by root.</summary>
public static class DebianPackage
{
    /// <summary>Says what is missing where it cannot be installed.</summary>
    /// <param name="package">Its name.</param>
    /// <exception cref="InvalidOperationException">This process is not root's.</exception>
    public static void RequireRoot(string package)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            throw new InvalidOperationException($"Debian's package `{package}` is missing; install it.");
        }
    }

    /// <summary>Installs a package with what it depends on and nothing else.</summary>
    /// <param name="package">Its name.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="InvalidOperationException">It could not be installed; the message says why.</exception>
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

    /// <summary>One at a time on this machine: two that update the lists at once refuse each other. A server it starts holds no lock.</summary>
    private static Task AptGetAsync(string[] arguments, CancellationToken cancellationToken) =>
        QuietProgram.RunAsync(
            new ProcessStartInfo(
                "flock",
                ["--close", Path.Combine(Path.GetTempPath(), "scheduler-tests-apt.lock"), "apt-get", .. arguments]
            ),
            cancellationToken
        );
}
