using System.Collections.Frozen;

namespace Scheduler.Domain.Placement;

/// <summary>
/// Reads the part of the world from a region's name, as clouds write them: <c>eu-north1</c>, <c>westeurope</c>,
/// <c>FIN-01</c>, <c>tokyo-japan-1</c>. Only the order of proposals depends on it, never a placement.
/// </summary>
internal static class RegionArea
{
    /// <summary>Whole words of a name: areas as clouds abbreviate them, and country codes.</summary>
    private static readonly FrozenDictionary<string, WorldArea> Codes = Table(
        (WorldArea.Africa, "af za ke ng eg ma"),
        (WorldArea.Asia, "ap sea asia in jp hk sg kr cn tw id my th vn ph"),
        (
            WorldArea.Europe,
            "eu eur europe at be bg ch cz de dk ee es fi fin fr gb gr hr hu ie is it lt lu lv nl no pl pt ro rs ru se si sk ua uk"
        ),
        (WorldArea.MiddleEast, "me ae il qa sa tr"),
        (WorldArea.NorthAmerica, "us usa ca mx tor nyc sfo mtl northamerica"),
        (WorldArea.Oceania, "au nz oc"),
        (WorldArea.SouthAmerica, "br cl ar co southamerica")
    );

    /// <summary>Parts of a longer word, for example of <c>westeurope</c>. No name of another area contains one.</summary>
    private static readonly FrozenDictionary<string, WorldArea> Parts = Table(
        (WorldArea.Africa, "africa"),
        (WorldArea.Asia, "asia india japan korea china taiwan singapore hongkong indonesia malaysia thailand"),
        (
            WorldArea.Europe,
            "europe france germany norway sweden finland poland spain italy switzerland austria belgium denmark ireland iceland netherlands portugal romania uksouth ukwest"
        ),
        (WorldArea.MiddleEast, "uae qatar israel saudi bahrain turkey"),
        (WorldArea.NorthAmerica, "canada mexico eastus westus centralus"),
        (WorldArea.Oceania, "australia newzealand"),
        (WorldArea.SouthAmerica, "brazil chile argentina colombia")
    );

    public static WorldArea Of(string region)
    {
        var letters = new string([.. region.Select(c => char.IsAsciiLetter(c) ? char.ToLowerInvariant(c) : ' ')]);
        var words = letters.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        foreach (var word in words)
        {
            foreach (var (part, area) in Parts)
            {
                if (word.Contains(part, StringComparison.Ordinal))
                {
                    return area;
                }
            }
        }

        return words.Select(word => Codes.GetValueOrDefault(word)).FirstOrDefault(area => area != WorldArea.Unknown);
    }

    private static FrozenDictionary<string, WorldArea> Table(params (WorldArea Area, string Words)[] rows) =>
        rows.SelectMany(row => row.Words.Split(' ').Select(word => KeyValuePair.Create(word, row.Area)))
            .ToFrozenDictionary(StringComparer.Ordinal);
}
