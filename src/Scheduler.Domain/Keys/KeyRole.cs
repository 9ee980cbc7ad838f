namespace Scheduler.Domain.Keys;

/// <summary>
/// Operations that a key may perform. Its account, or operator status, decides the access scope; a role never extends
/// the scope.
/// </summary>
public enum KeyRole
{
    /// <summary>All operations of the account or operator. Keys created before roles existed have this role.</summary>
    Full = 0,

    /// <summary>Reads everything in the access scope; may not change anything or spend money.</summary>
    Viewer = 1,
}
