using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Scheduler.Edge.Limits;

/// <summary>
/// Where a request comes from, as far as one subscriber goes: a whole IPv4 address, the /64 of an IPv6 address (any host has 2^64 of
/// these).
/// </summary>
/// <param name="Bits">The address or its first 64 bits.</param>
/// <param name="IsV4">Which of the two.</param>
internal readonly record struct AddressPrefix(ulong Bits, bool IsV4)
{
    private const int LongestAddress = 16;

    /// <summary>The prefix of an address; an IPv4 address in IPv6 clothes is an IPv4 address.</summary>
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

    /// <summary>As people write it.</summary>
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
