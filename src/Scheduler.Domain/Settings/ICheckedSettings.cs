namespace Scheduler.Domain.Settings;

/// <summary>
/// Settings with rules that validation attributes on their properties cannot express. The host checks the attributes
/// and these rules before anything starts.
/// </summary>
public interface ICheckedSettings
{
    /// <param name="section">Full path of the section that these settings are bound to.</param>
    IEnumerable<SettingFault> Check(string section);
}
