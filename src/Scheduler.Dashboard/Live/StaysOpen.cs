namespace Scheduler.Dashboard.Live;

/// <summary>Marks an endpoint whose response is a stream.</summary>
internal sealed class StaysOpen
{
    public static readonly StaysOpen Mark = new();

    private StaysOpen() { }
}
