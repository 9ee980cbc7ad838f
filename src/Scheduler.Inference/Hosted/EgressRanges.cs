using System.Collections.Immutable;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.Inference.Hosted;

/// <summary>
/// Decides which addresses an endpoint outside may have. The registries of special-purpose addresses of IANA are the source. An IPv6 address
/// must be global unicast; one that carries an IPv4 address is judged by that.
/// </summary>
internal static class EgressRanges
{
    /// <summary>The well-known prefix of NAT64 (RFC 6052); the IPv4 address is in the last four bytes.</summary>
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    private static readonly IPNetwork GlobalUnicast = IPNetwork.Parse("2000::/3");

    private static readonly ImmutableArray<(IPNetwork Network, string What)> Refused =
    [
        Range("0.0.0.0/8", "this network"),
        Range("10.0.0.0/8", "private"),
        Range("100.64.0.0/10", "shared by carriers"),
        Range("127.0.0.0/8", "loopback"),
        Range("168.63.129.16/32", "metadata of a cloud"),
        Range("169.254.0.0/16", "link-local, metadata of clouds"),
        Range("172.16.0.0/12", "private"),
        Range("192.0.0.0/24", "of protocols, metadata of a cloud"),
        Range("192.0.2.0/24", "documentation"),
        Range("192.88.99.0/24", "relays of 6to4"),
        Range("192.168.0.0/16", "private"),
        Range("198.18.0.0/15", "benchmarks"),
        Range("198.51.100.0/24", "documentation"),
        Range("203.0.113.0/24", "documentation"),
        Range("224.0.0.0/4", "multicast"),
        Range("240.0.0.0/4", "reserved, broadcast"),
        Range("2001::/23", "of protocols, Teredo"),
        Range("2001:db8::/32", "documentation"),
        Range("2002::/16", "6to4"),
        Range("3fff::/20", "documentation"),
    ];

    /// <summary>Why no request may go to an address; null when it may.</summary>
    /// <param name="allowed">Networks that the configuration permits.</param>
    public static string? WhyRefused(IPAddress address, IReadOnlyCollection<IPNetwork> allowed)
    {
        var judged = Carried(address);
        if (allowed.Any(network => network.Contains(judged)))
        {
            return null;
        }

        if (judged.AddressFamily == AddressFamily.InterNetworkV6 && !GlobalUnicast.Contains(judged))
        {
            return IPAddress.IsLoopback(judged) ? "loopback"
                : judged.IsIPv6LinkLocal ? "link-local"
                : judged.IsIPv6UniqueLocal ? "unique local"
                : judged.IsIPv6Multicast ? "multicast"
                : "not global";
        }

        foreach (var (network, what) in Refused)
        {
            if (network.Contains(judged))
            {
                return what;
            }
        }

        return null;
    }

    /// <summary>The IPv4 address within a mapped or NAT64 address, because the connection ends there.</summary>
    private static IPAddress Carried(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        // A zone does not change where the address leads.
        var bytes = address.GetAddressBytes();
        return Nat64.Contains(new IPAddress(bytes)) ? new IPAddress(bytes.AsSpan(12)) : new IPAddress(bytes);
    }

    private static (IPNetwork, string) Range(string network, string what) => (IPNetwork.Parse(network), what);
}
