using System.Collections.Immutable;
using System.Text.Json;
using FsCheck.Xunit;
using Microsoft.AspNetCore.WebUtilities;
using Scheduler.Dashboard.Placement;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Placement;

public sealed class LaunchFormTests
{
    private static readonly AccountId Account = new("acct-a");

    [Fact]
    public void Missing_fields_get_the_defaults_of_the_domain()
    {
        var reader = new LaunchReader(Sent(("name", "chat"), ("model", "Qwen/Qwen2.5-7B")), Account);
        Assert.True(reader.Faults.None);
        Assert.Equal(Text(new LaunchSpec { Model = "Qwen/Qwen2.5-7B" }), Text(reader.Spec));
        Assert.True(reader.StartsAtOnce);
    }

    [Fact]
    public void Variables_image_and_path_are_read_and_written_the_same()
    {
        var sent = Sent(
            ("name", "chat"),
            ("model", "m"),
            ("variables", "HF_TOKEN=secret:hf\nGREETING=hello=you"),
            ("image", "ghcr.io/acme/vllm:1"),
            ("encrypted", "on")
        );
        var reader = new LaunchReader(sent, Account);

        Assert.True(reader.Faults.None);
        Assert.Equal("hf", reader.Spec.Variables["HF_TOKEN"].Secret);
        Assert.Equal("hello=you", reader.Spec.Variables["GREETING"].Value);
        Assert.Equal("ghcr.io/acme/vllm:1", reader.Spec.Image);
        Assert.True(reader.Spec.Constraints.RequireEncryptedPath);
        Assert.Equal("GREETING=hello=you\nHF_TOKEN=secret:hf", LaunchForm.Of(reader.Spec)["variables"]);
    }

    [Theory]
    [InlineData("HF_TOKEN=hf_planted")]
    [InlineData("NOTE=hf_abcdefgh12345678")]
    [InlineData("9=x")]
    [InlineData("A")]
    [InlineData("A=secret:No!")]
    [InlineData("A=1\nA=2")]
    public void A_variable_that_is_wrong_or_would_put_a_secret_into_an_address_is_refused(string lines)
    {
        var reader = new LaunchReader(Sent(("name", "chat"), ("model", "m"), ("variables", lines)), Account);

        Assert.Equal(["variables"], reader.Faults.All.Select(fault => fault.Field));
        Assert.DoesNotContain(reader.Faults.All, fault => fault.Description.Contains("planted"));
    }

    [Fact]
    public void Every_fault_of_an_unknown_name_is_shown_at_its_field()
    {
        var reader = new LaunchReader(Sent(("name", "chat"), ("model", "m")), Account);
        var spec = new LaunchSpec
        {
            Runtime = "vlm",
            WeightFormat = "fp9",
            Constraints = new SmartConstraints
            {
                GpuType = "H100",
                Regions = ["ok", "mars"],
                Providers = ["nobody"],
                GpuPreferences = ["Voodoo"],
                ProviderPreferences = ["nobody"],
            },
        };
        var known = SpecNames.Of([], []).With(OfferSnapshot.Empty, isComplete: true);
        var faults = known.Check(spec).Faults.Select(fault => new FieldFault(fault.Field, fault.Description));

        reader.Add(Refusal.Invalid([.. faults, new FieldFault("spec.model", "No model is named so.")]));

        Assert.Equal(
            ["gpu", "gpu_preferences", "model", "provider_preferences", "providers", "regions", "runtime", "weights"],
            reader.Faults.All.Select(fault => fault.Field).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public void All_validation_errors_are_reported_at_their_fields()
    {
        var reader = new LaunchReader(
            Sent(
                ("asked", "1"),
                ("account", "someone"),
                ("name", "Chat Bot"),
                ("model", "a/b/c"),
                ("context", "0"),
                ("parallel", "many"),
                ("weights", "fp 8"),
                ("kv", "fp7"),
                ("runtime", "V LLM"),
                ("max_price", "1,290"),
                ("tier", "best"),
                ("regions", "eu\n" + new string('x', 65)),
                ("gpus", "65"),
                ("providers", "Upper"),
                ("allocation_timeout", "0.5"),
                ("start_timeout", "86401"),
                ("arguments", new string('x', 1600))
            ),
            own: null
        );
        Assert.Equal(
            [
                "account",
                "allocation_timeout",
                "arguments",
                "context",
                "gpus",
                "kv",
                "max_price",
                "model",
                "name",
                "parallel",
                "providers",
                "regions",
                "runtime",
                "start_timeout",
                "tier",
                "weights",
            ],
            reader.Faults.All.Select(fault => fault.Field).Order(StringComparer.Ordinal)
        );
        Assert.False(reader.IsSpecRight);
    }

    [Fact]
    public void A_submitted_form_has_only_the_checked_boxes()
    {
        var reader = new LaunchReader(
            Sent(("asked", "1"), ("name", "chat"), ("model", "m"), ("reroute", "on")),
            Account
        );
        Assert.False(reader.Spec.Constraints.SpotAllowed);
        Assert.False(reader.StartsAtOnce);
        Assert.True(reader.Spec.AutoReroute);
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("1.29", 1_290_000)]
    [InlineData("0.000001", 1)]
    [InlineData("9223372036853", 9_223_372_036_853_000_000)]
    public void A_price_is_exact_to_the_micro_euro(string text, long micro)
    {
        var reader = new LaunchReader(Sent(("name", "chat"), ("model", "m"), ("max_price", text)), Account);
        Assert.True(reader.Faults.None);
        Assert.Equal(new MicroEuro(micro), reader.Spec.Constraints.MaxPricePerHour);
    }

    [Theory]
    [InlineData("0.0000001")]
    [InlineData("-1")]
    [InlineData("1e3")]
    [InlineData("1,500")]
    [InlineData("9223372036855")]
    [InlineData("79228162514264337593543950336")]
    public void A_price_that_is_not_a_whole_number_of_micro_euro_is_refused(string text)
    {
        var reader = new LaunchReader(Sent(("name", "chat"), ("model", "m"), ("max_price", text)), Account);
        Assert.Equal(["max_price"], reader.Faults.All.Select(fault => fault.Field));
    }

    [Fact]
    public void An_argument_with_a_line_break_is_refused_and_not_split()
    {
        var form = LaunchForm.Of(new LaunchSpec { Model = "m", RuntimeArguments = ["--x", "a\nb"] });
        var reader = new LaunchReader(form.With("name", "chat"), Account);
        Assert.Equal(["arguments"], reader.Faults.All.Select(fault => fault.Field));
    }

    [Property]
    public void A_spec_shown_in_the_form_is_read_back_unchanged(int seed)
    {
        var spec = SpecOf(new Random(seed));
        var reader = new LaunchReader(LaunchForm.Of(spec).With("name", "chat"), Account);
        Assert.Empty(reader.Faults.All);
        Assert.Equal(Text(spec), Text(reader.Spec));
    }

    [Property]
    public void The_address_of_a_form_contains_all_its_fields(int seed)
    {
        var spec = SpecOf(new Random(seed));
        var form = LaunchForm.Of(spec).With("name", "chat").With("account", "acct-a");
        var query = QueryHelpers.ParseQuery(form.Address[form.Address.IndexOf('?', StringComparison.Ordinal)..]);
        var again = LaunchForm.Of(field => query.TryGetValue(field, out var text) ? text.ToString() : null);
        var reader = new LaunchReader(again, own: null);
        Assert.Empty(reader.Faults.All);
        Assert.Equal(Text(spec), Text(reader.Spec));
        Assert.Equal((Account, "chat"), (reader.Account, reader.ServingName));
    }

    [Fact]
    public void A_relaxation_changes_only_the_constraints_it_names()
    {
        var asked = new SmartConstraints
        {
            MaxPricePerHour = new MicroEuro(1_100_000),
            Regions = ["us"],
            MinimumTier = CapacityTier.Dedicated,
            SpotAllowed = false,
            GpuCount = 4,
            GpuPreferences = ["L40S"],
        };
        var loosened = asked.Loosened([
            new RelaxedConstraint("spot", "on demand", "spot"),
            new RelaxedConstraint("capacity_tier", "dedicated", "standard"),
            new RelaxedConstraint("max_price", "1.10", "1.290001"),
            new RelaxedConstraint("regions", "us", "eu, west"),
            new RelaxedConstraint("gpu_count", "4", "2"),
            new RelaxedConstraint("not_known_here", "a", "b"),
        ]);
        Assert.Equal(new MicroEuro(1_290_001), loosened.MaxPricePerHour);
        Assert.Equal(["us", "eu, west"], loosened.Regions);
        Assert.Equal((CapacityTier.Standard, true, 2), (loosened.MinimumTier, loosened.SpotAllowed, loosened.GpuCount));
        Assert.Equal(["L40S"], loosened.GpuPreferences);
        Assert.Empty(loosened.Providers);
    }

    private static LaunchForm Sent(params (string Field, string Text)[] texts)
    {
        var sent = texts.ToDictionary(text => text.Field, text => text.Text);
        return LaunchForm.Of(sent.GetValueOrDefault);
    }

    private static string Text(LaunchSpec spec) => JsonSerializer.Serialize(spec);

    private static LaunchSpec SpecOf(Random random) =>
        new()
        {
            Model = ModelPart(random) + (random.Next(2) == 0 ? "/" + ModelPart(random) : ""),
            WeightFormat = random.Next(2) == 0 ? null : Word(random, "abZ9_-", 1, 32),
            KvFormat = SpecSyntax.KvFormats[random.Next(SpecSyntax.KvFormats.Length)],
            ContextTokens = random.NextInt64(1, 16_777_217),
            ParallelSequences = random.Next(1, 4097),
            SequencesAtOnce = random.Next(2) == 0 ? null : random.Next(1, 4097),
            Runtime = Word(random, "abz09._-", 1, 63),
            RuntimeArguments = Words(random, "ab -=\"'\\&?#%+ü⛵", 1, 20, 5),
            Constraints = new SmartConstraints
            {
                MaxPricePerHour = random.Next(2) == 0 ? null : new MicroEuro(random.NextInt64(0, 1_000_000_000_000)),
                Regions = Words(random, "ab,;&=%+ü", 1, 30, 5),
                MinimumTier = (CapacityTier)random.Next(1, 4),
                SpotAllowed = random.Next(2) == 0,
                GpuType = random.Next(2) == 0 ? null : Word(random, "ABC123(&", 1, 64),
                GpuCount = random.Next(2) == 0 ? null : random.Next(1, 65),
                Providers = Words(random, "ab9-", 1, 30, 5),
                GpuPreferences = Words(random, "AB 9", 1, 30, 5, trimmed: true),
                ProviderPreferences = Words(random, "ab9-", 1, 30, 5),
            },
            AutoReroute = random.Next(2) == 0,
            AllocationTimeout = Wait(random),
            StartTimeout = Wait(random),
            WaitForCapacity = Wait(random),
        };

    /// <summary>No part of a model's name begins with a dot or dash, and none has two dots together.</summary>
    private static string ModelPart(Random random) =>
        "a" + Word(random, "abzAZ09._-", 1, 40).Replace("..", "._", StringComparison.Ordinal);

    private static TimeSpan? Wait(Random random) =>
        random.Next(2) == 0
            ? null
            : new TimeSpan(random.NextInt64(TimeSpan.FromSeconds(1).Ticks, TimeSpan.FromHours(24).Ticks + 1));

    private static ImmutableArray<string> Words(
        Random random,
        string letters,
        int least,
        int most,
        int count,
        bool trimmed = false
    ) =>
        [
            .. Enumerable
                .Range(0, random.Next(count))
                .Select(_ => Word(random, letters, least, most))
                .Select(word => trimmed ? $"x{word}x" : word),
        ];

    private static string Word(Random random, string letters, int least, int most)
    {
        var runes = letters.EnumerateRunes().ToArray();
        var picked = random.GetItems(runes, random.Next(least, most + 1));
        var word = string.Concat(picked.Select(rune => rune.ToString()));
        return word.Length <= most ? word : string.Concat(picked.Take(most / 2).Select(rune => rune.ToString()));
    }
}
