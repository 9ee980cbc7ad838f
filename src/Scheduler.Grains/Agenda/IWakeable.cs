namespace Scheduler.Grains.Agenda;

/// <summary>A grain that the agenda wakes.</summary>
[Alias("scheduler.IWakeable")]
[GrainInterfaceType("scheduler.wakeable")]
internal interface IWakeable : IGrainWithStringKey
{
    /// <summary>Does whatever is due, and goes on with what a crash interrupted.</summary>
    /// <returns>When to be woken next; null when nothing waits.</returns>
    [Alias("Wake")]
    Task<DateTimeOffset?> WakeAsync();
}
