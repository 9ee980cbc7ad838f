using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;

namespace Scheduler.Edge.Limits;

/// <summary>What is left of a rate.</summary>
/// <param name="Limit">Tokens of a full bucket.</param>
/// <param name="Remaining">Tokens in it now.</param>
/// <param name="Next">Until there is one; zero while there is.</param>
/// <param name="Full">Until it is full.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct RateLeft(int Limit, int Remaining, TimeSpan Next, TimeSpan Full)
{
    /// <summary>As the drafts of the IETF's HTTP working group name it, up to their seventh.</summary>
    public void WriteTo(IHeaderDictionary headers)
    {
        headers["RateLimit-Limit"] = Limit.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Remaining"] = Remaining.ToString(CultureInfo.InvariantCulture);
        headers["RateLimit-Reset"] = Full.WholeSeconds();
    }
}
