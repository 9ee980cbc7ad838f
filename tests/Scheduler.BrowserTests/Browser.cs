using System.Reflection;
using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;

[assembly: AssemblyFixture(typeof(Scheduler.BrowserTests.Browser))]

namespace Scheduler.BrowserTests;

/// <summary>
/// Debian's Chromium without a window, one for all tests of this process; installed where it is missing. It knows no host but this one:
/// what a page asks of another fails, and <see cref="PageGuard"/> tells.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium-headless-shell";

    private IPlaywright _driver = null!;

    internal IBrowser Chromium { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program))
        {
            await DebianPackage.InstallAsync("chromium-headless-shell", TestContext.Current.CancellationToken);
        }

        var driver = typeof(Browser)
            .Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
            .Single(attribute => attribute.Key == "PlaywrightDriver");
        Environment.SetEnvironmentVariable("PLAYWRIGHT_DRIVER_SEARCH_PATH", driver.Value);
        Assertions.SetDefaultExpectTimeout((float)PageTest.Patience.TotalMilliseconds);
        _driver = await Playwright.CreateAsync();
        Chromium = await _driver.Chromium.LaunchAsync(
            new BrowserTypeLaunchOptions
            {
                ExecutablePath = Program,
                Args =
                [
                    // Root may not run it in its sandbox; it sees our own pages alone.
                    "--no-sandbox",
                    // Shared memory is small where tests run in a container.
                    "--disable-dev-shm-usage",
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                    // The same glyphs to the pixel, whatever screen the machine has.
                    "--font-render-hinting=none",
                    "--force-color-profile=srgb",
                ],
            }
        );
    }

    public async ValueTask DisposeAsync()
    {
        if (Chromium is not null)
        {
            await Chromium.DisposeAsync();
        }

        _driver?.Dispose();
    }
}
