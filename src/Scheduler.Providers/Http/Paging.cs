namespace Scheduler.Providers.Http;

/// <summary>Reads lists that a vendor returns in pages.</summary>
internal static class Paging
{
    /// <summary>More pages are an error of the vendor: 10,000 items of 25 a page.</summary>
    private const int MaxPages = 400;

    /// <param name="read">Reads one page: null reads the first. Returns its items, and the cursor of the next; null ends.</param>
    /// <exception cref="VendorException">A cursor came twice, or there are too many pages.</exception>
    internal static async Task<IReadOnlyList<T>> ReadAllAsync<T>(
        string vendor,
        Func<string?, Task<(IReadOnlyList<T> Items, string? Next)>> read
    )
    {
        var all = new List<T>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var (items, next) = await read(cursor);
            all.AddRange(items);
            if (string.IsNullOrEmpty(next))
            {
                return all;
            }

            if (!seen.Add(next))
            {
                throw new VendorException($"{vendor} gave the same page twice");
            }

            cursor = next;
        }

        throw new VendorException($"{vendor} gave more than {MaxPages} pages");
    }
}
