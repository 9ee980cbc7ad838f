namespace Scheduler.Providers.Http;

/// <summary>What a call to a vendor is for. The rate gate lets lower values pass first.</summary>
internal enum CallKind
{
    /// <summary>Destroys an allocation, which ends its cost.</summary>
    Release = 0,

    /// <summary>Lists or reads what we hold.</summary>
    Read = 1,

    Create = 2,

    Offers = 3,

    /// <summary>Output of runtimes.</summary>
    Output = 4,
}
