namespace Scheduler.Domain.Placement;

/// <summary>A part of the world.</summary>
internal enum WorldArea
{
    Unknown = 0,
    Africa,
    Asia,
    Europe,
    MiddleEast,
    NorthAmerica,
    Oceania,
    SouthAmerica,
}
