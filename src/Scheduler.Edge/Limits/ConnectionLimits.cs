using System.Net;
using Microsoft.AspNetCore.Connections;

namespace Scheduler.Edge.Limits;

/// <summary>
/// Limits the open connections of all addresses and of each. A connection over a limit is closed before anything is read.
/// </summary>
/// <remarks>
/// A sixteenth of the connections is kept for addresses that have none. So a probe and a new client are answered while a
/// few others hold all they can get.
/// </remarks>
internal sealed class ConnectionLimits(int most, int mostPerAddress, EdgeMetrics metrics)
{
    private const int PartForNew = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<AddressPrefix, int> _open = [];
    private readonly int _kept = Math.Max(1, most / PartForNew);
    private int _all;

    /// <summary>Open connections.</summary>
    public int Open
    {
        get
        {
            lock (_gate)
            {
                return _all;
            }
        }
    }

    /// <summary>Counts the connections of a port; several ports share the limits.</summary>
    public ConnectionDelegate Use(ConnectionDelegate next) =>
        async connection =>
        {
            var address = AddressPrefix.Of((connection.RemoteEndPoint as IPEndPoint)?.Address);
            if (TryEnter(address) is { } limit)
            {
                metrics.ConnectionRefused(limit);
                connection.Abort();
                return;
            }

            try
            {
                await next(connection);
            }
            finally
            {
                Leave(address);
            }
        };

    /// <returns>The limit that is reached, <c>process</c> or <c>address</c>; null if the connection may stay.</returns>
    internal string? TryEnter(AddressPrefix address)
    {
        lock (_gate)
        {
            var own = _open.GetValueOrDefault(address);
            if (own >= mostPerAddress)
            {
                return "address";
            }

            if (_all >= (own == 0 ? most : most - _kept))
            {
                return "process";
            }

            _open[address] = own + 1;
            _all++;
            return null;
        }
    }

    internal void Leave(AddressPrefix address)
    {
        lock (_gate)
        {
            _all--;
            if (_open[address] == 1)
            {
                _open.Remove(address);
            }
            else
            {
                _open[address]--;
            }
        }
    }
}
