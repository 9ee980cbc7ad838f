namespace Scheduler.Domain.Keys;

/// <summary>What a key may do with what it sees. Its account, or being an operator's, says what it sees; the role never adds to that.</summary>
public enum KeyRole
{
    /// <summary>All that its account or an operator may. Keys of before there were roles are this.</summary>
    Full = 0,

    /// <summary>Looks: sees what a full key in its place would see, changes nothing and spends nothing.</summary>
    Viewer = 1,
}
