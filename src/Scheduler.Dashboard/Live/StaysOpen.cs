namespace Scheduler.Dashboard.Live;

/// <summary>Marks an endpoint whose answer stays open.</summary>
internal sealed class StaysOpen
{
    public static readonly StaysOpen Mark = new();

    private StaysOpen() { }
}
