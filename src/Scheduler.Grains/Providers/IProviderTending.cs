namespace Scheduler.Grains.Providers;

/// <summary>What keeps a provider grain going: every silo calls it every second; the grain decides what is due.</summary>
[Alias("scheduler.IProviderTending")]
[GrainInterfaceType("scheduler.provider.tending")]
internal interface IProviderTending : IGrainWithStringKey
{
    /// <summary>Lists offers, sweeps, forgets what has cooled, as far as each is due; sees that the watch runs.</summary>
    [Alias("Tend")]
    Task TendAsync();
}
