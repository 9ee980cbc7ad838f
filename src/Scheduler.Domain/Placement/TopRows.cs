namespace Scheduler.Domain.Placement;

internal sealed class TopRows(int capacity, RankOrder order)
{
    private readonly int[] _rows = new int[capacity];

    public int Count { get; private set; }

    public bool IsFull => Count == _rows.Length;

    public ReadOnlySpan<int> Rows => _rows.AsSpan(0, Count);

    public int Worst => _rows[Count - 1];

    /// <summary>Adds the row if it is among the best; on a complete tie, the earlier row wins.</summary>
    public void Offer(int row)
    {
        if (IsFull)
        {
            if (order.Compare(row, Worst, out _) >= 0)
            {
                return;
            }

            Count--;
        }

        var place = Count;
        while (place > 0 && order.Compare(row, _rows[place - 1], out _) < 0)
        {
            _rows[place] = _rows[place - 1];
            place--;
        }

        _rows[place] = row;
        Count++;
    }
}
