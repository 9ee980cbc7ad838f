using Scheduler.Host;
using Xunit;

namespace Scheduler.UnitTests.Host;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData("launch")]
    [InlineData("--config")]
    [InlineData("--config=")]
    [InlineData("--=x")]
    [InlineData("-v")]
    public void An_unknown_argument_is_refused_by_name(string argument)
    {
        Assert.False(CommandLine.TryParse([argument], out _, out var fault));
        Assert.Equal($"'{argument}' is not understood.", fault);
    }

    [Theory]
    [InlineData("--config", "mine.json")]
    [InlineData("--config=mine.json")]
    public void The_settings_file_is_accepted_as_one_argument_or_two(params string[] arguments)
    {
        Assert.True(CommandLine.TryParse(arguments, out var line, out _));
        Assert.Equal("mine.json", line.ConfigFile);
    }

    [Theory]
    [InlineData("version")]
    [InlineData("--version")]
    public void The_version_is_a_command_and_an_option(string argument)
    {
        Assert.True(CommandLine.TryParse([argument], out var line, out _));
        Assert.Equal(Command.Version, line.Command);
    }

    [Fact]
    public void Only_the_demo_starts_on_new_data()
    {
        Assert.True(CommandLine.TryParse(["demo", "--Host:Log=json", "--fresh"], out var line, out _));
        Assert.True(line is { IsDemo: true, IsFresh: true });
        Assert.False(CommandLine.TryParse(["serve", "--fresh"], out _, out var fault));
        Assert.Equal("'--fresh' is not understood.", fault);
    }

    [Fact]
    public void The_rotation_of_the_master_key_is_a_command_of_two_words()
    {
        Assert.True(CommandLine.TryParse(["secrets", "rotate", "--Host:Log=json"], out var line, out _));
        Assert.Equal(Command.RotateSecrets, line.Command);
        Assert.Equal(["--Host:Log=json"], line.Settings);
        Assert.False(CommandLine.TryParse(["secrets"], out _, out var fault));
        Assert.Equal("'secrets' is not understood.", fault);
    }

    [Fact]
    public void Backup_without_a_target_is_refused()
    {
        Assert.False(CommandLine.TryParse(["backup"], out _, out var fault));
        Assert.Equal("backup needs --to FILE.", fault);
    }
}
