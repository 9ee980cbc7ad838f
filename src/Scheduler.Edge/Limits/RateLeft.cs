using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge.Limits;

/// <param name="Limit">Tokens of a full bucket.</param>
/// <param name="Next">Time until the next token; zero if there is one now.</param>
/// <param name="Full">Time until the bucket is full.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RateLeft(int Limit, int Remaining, TimeSpan Next, TimeSpan Full)
{
    /// <summary>Header names of the IETF drafts on RateLimit headers (HTTP API working group), up to draft 7.</summary>
    public void WriteTo(IHeaderDictionary headers)
    {
        headers["RateLimit-Limit"] = Limit.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Remaining"] = Remaining.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Reset"] = Full.WholeSeconds();
    }
}
