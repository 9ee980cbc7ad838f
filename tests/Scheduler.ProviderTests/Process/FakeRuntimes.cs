using Scheduler.Providers.Process;

namespace Scheduler.ProviderTests.Process;

/// <summary>Presets that start the fake runtime, one for each of its modes.</summary>
internal static class FakeRuntimes
{
    private static readonly string[] Modes =
    [
        "healthy",
        "never-healthy",
        "turns-unhealthy",
        "exit-1",
        "oom-text",
        "kill-9",
        "load-error",
        "ignores-term",
        "grandchildren",
        "noisy",
        "guarded",
    ];

    internal static void AddTo(ProcessOptions options)
    {
        foreach (var mode in Modes)
        {
            options.Presets[mode] = new ProcessPresetOptions
            {
                Program = "dotnet",
                KeyVariable = "FAKE_KEY",
                Arguments =
                [
                    Path.Combine(AppContext.BaseDirectory, "fake-runtime.dll"),
                    "--port",
                    "{port}",
                    "--mode",
                    mode,
                    "--serving-name",
                    "{serving_name}",
                ],
            };
        }
    }

    internal static string ModeOf(RuntimeBehaviour behaviour) =>
        behaviour switch
        {
            RuntimeBehaviour.Serves => "healthy",
            RuntimeBehaviour.NeverReady => "never-healthy",
            RuntimeBehaviour.OomAtLoad => "oom-text",
            RuntimeBehaviour.ModelLoadError => "load-error",
            RuntimeBehaviour.Exits => "exit-1",
            _ => throw new ArgumentOutOfRangeException(nameof(behaviour)),
        };
}
