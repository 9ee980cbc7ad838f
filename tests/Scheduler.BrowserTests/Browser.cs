using System.Reflection;
using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;

[assembly: AssemblyFixture(typeof(Scheduler.BrowserTests.Browser))]

namespace Scheduler.BrowserTests;

/// <summary>
/// Headless Chromium of Debian, one for all tests of this process; installed if it is missing. It reaches only this
/// host: a request to another host fails, and <see cref="PageGuard"/> reports it.
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
                    // Root cannot use its sandbox; it opens only pages of the tests.
                    "--no-sandbox",
                    // Containers often have little shared memory.
                    "--disable-dev-shm-usage",
                    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                    // The same glyphs to the pixel on every machine.
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
