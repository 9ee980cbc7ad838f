using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.Edge.Limits;

/// <summary>
/// The part of an address that identifies one subscriber: a whole IPv4 address, or the /64 of an IPv6 address, because
/// any host has 2^64 addresses in its /64.
/// </summary>
/// <param name="Bits">The IPv4 address, or the first 64 bits of the IPv6 address.</param>
internal readonly record struct AddressPrefix(ulong Bits, bool IsV4)
{
    private const int LongestAddress = 16;

    /// <summary>An IPv4-mapped IPv6 address counts as an IPv4 address.</summary>
    public static AddressPrefix Of(IPAddress? address)
    {
        Span<byte> bytes = stackalloc byte[LongestAddress];
        if (address is null || !address.TryWriteBytes(bytes, out _))
        {
            return default;
        }

        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return new AddressPrefix(BinaryPrimitives.ReadUInt32BigEndian(bytes), true);
        }

        return address.IsIPv4MappedToIPv6
            ? new AddressPrefix(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]), true)
            : new AddressPrefix(BinaryPrimitives.ReadUInt64BigEndian(bytes), false);
    }

    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[LongestAddress];
        bytes.Clear();
        if (IsV4)
        {
            BinaryPrimitives.WriteUInt32BigEndian(bytes, (uint)Bits);
            return new IPAddress(bytes[..4]).ToString();
        }

        BinaryPrimitives.WriteUInt64BigEndian(bytes, Bits);
        return $"{new IPAddress(bytes)}/64";
    }
}
