namespace Scheduler.TestKit;

/// <summary>How a <see cref="CuttableProxy"/> treats traffic.</summary>
public enum ProxyState
{
    /// <summary>Traffic passes.</summary>
    Open,

    /// <summary>Existing connections are reset, and new ones are reset at once.</summary>
    Reset,

    /// <summary>
    /// Connections are accepted and no data passes. Data sent meanwhile arrives when the proxy is open again, even if
    /// its sender has given up, as after TCP retransmissions.
    /// </summary>
    Silent,
}
