namespace Scheduler.Edge.Limits;

/// <summary>
/// Limits the requests without a valid key from one address. A request is counted only after its key was found invalid.
/// Valid keys therefore cost their address nothing, and hundreds of clients that start behind one address do not look
/// like an attack.
/// </summary>
/// <remarks>
/// Requests in progress when the limit is reached are counted too; they make the following wait longer.
/// </remarks>
internal sealed class AddressLimits(Rate rate, TimeProvider clock)
{
    /// <summary>Maximum number of addresses with their own counters; about 8 MiB.</summary>
    public const int Capacity = 65_536;

    private readonly Partitions<AddressPrefix, AddressPartition> _addresses = new(Capacity, clock);

    public int Count => _addresses.Count;

    public void Charge(AddressPrefix address)
    {
        if (rate.IsLimited)
        {
            _addresses.With(
                address,
                (Rate: rate, Now: clock.GetTimestamp(), clock.TimestampFrequency),
                static (partition, at) =>
                {
                    partition.Bucket.Charge(at.Rate, at.Now, at.TimestampFrequency);
                    return true;
                }
            );
        }
    }

    /// <summary>Time that a caller without a known key must wait; zero if none.</summary>
    public TimeSpan Wait(AddressPrefix address)
    {
        if (!rate.IsLimited || _addresses.Find(address) is not { } partition)
        {
            return TimeSpan.Zero;
        }

        lock (partition.Gate)
        {
            return partition.Bucket.Peek(rate, clock.GetTimestamp(), clock.TimestampFrequency).Next;
        }
    }

    private sealed class AddressPartition : Partition
    {
        public TokenBucket Bucket;

        public override bool IsIdle(long now) => Bucket.IsFull(now);
    }
}
