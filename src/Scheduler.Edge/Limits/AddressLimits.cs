namespace Scheduler.Edge.Limits;

/// <summary>
/// How many requests without a good key an address may send. They are charged after they were found to be without one: a good key costs
/// its address nothing, and clients that start by the hundred behind one address are not taken for guessers.
/// </summary>
/// <remarks>What was under way when the last token went is charged as well, on credit, and paid for by a longer wait.</remarks>
internal sealed class AddressLimits(Rate rate, TimeProvider clock)
{
    /// <summary>Most addresses that are counted apart; 8 MiB or so.</summary>
    public const int Capacity = 65_536;

    private readonly Partitions<AddressPrefix, AddressPartition> _addresses = new(Capacity, clock);

    /// <summary>How many addresses are counted now.</summary>
    public int Count => _addresses.Count;

    /// <summary>Notes a request without a good key.</summary>
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

    /// <summary>How long whoever shows no known key must wait; zero where there is no need to.</summary>
    public TimeSpan Wait(AddressPrefix address)
    {
        if (!rate.IsLimited || _addresses.Find(address) is not { } partition)
        {
            return TimeSpan.Zero;
        }

        lock (partition.Gate)
        {
            return partition.Bucket.Look(rate, clock.GetTimestamp(), clock.TimestampFrequency).Next;
        }
    }

    private sealed class AddressPartition : Partition
    {
        public TokenBucket Bucket;

        public override bool IsIdle(long now) => Bucket.IsFull(now);
    }
}
