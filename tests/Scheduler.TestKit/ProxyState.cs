namespace Scheduler.TestKit;

/// <summary>What a <see cref="CuttableProxy"/> does with what it is given.</summary>
public enum ProxyState
{
    /// <summary>It is passed on.</summary>
    Open,

    /// <summary>Connections are reset, new ones at once: the other side says no.</summary>
    Reset,

    /// <summary>
    /// Connections are taken and nothing comes through: the other side says nothing. What was sent meanwhile arrives when the proxy is open
    /// again, also where its sender has long given up, as after TCP's own repeats.
    /// </summary>
    Silent,
}
