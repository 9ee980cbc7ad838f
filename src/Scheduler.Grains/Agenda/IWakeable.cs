namespace Scheduler.Grains.Agenda;

[Alias("scheduler.IWakeable")]
[GrainInterfaceType("scheduler.wakeable")]
internal interface IWakeable : IGrainWithStringKey
{
    /// <summary>Does the work that is due and continues work that a crash interrupted.</summary>
    /// <returns>When to wake the grain next; null when nothing is pending.</returns>
    [Alias("Wake")]
    Task<DateTimeOffset?> WakeAsync();
}
