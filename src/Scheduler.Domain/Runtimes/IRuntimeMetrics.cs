namespace Scheduler.Domain.Runtimes;

/// <summary>Port to the metrics that a runtime serves over HTTP.</summary>
public interface IRuntimeMetrics
{
    /// <summary>Most characters that are read.</summary>
    const int MostChars = 1 << 20;

    /// <param name="key">Key that the runtime asks for; null for one without.</param>
    /// <returns>The first <see cref="MostChars"/> characters; empty when the runtime refuses. Fails when it does not answer.</returns>
    Task<string> ReadAsync(Uri address, RuntimeKey? key, CancellationToken cancellationToken);
}
