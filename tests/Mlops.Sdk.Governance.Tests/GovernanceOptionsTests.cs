using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

public sealed class GovernanceOptionsTests
{
    [Theory]
    [InlineData(-1)]
    [InlineData(11)]
    [InlineData(int.MaxValue)]
    public void A_number_of_approvals_outside_the_range_is_refused_by_name(int required)
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => Options(o => o.ApprovalsRequired = required));
        Assert.Contains("ApprovalsRequired", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ApprovalGuard(new GovernanceOptions { ApprovalsRequired = required }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Champion")]
    [InlineData("a b")]
    public void An_alias_that_cannot_exist_is_refused_by_name(string alias)
    {
        OptionsValidationException error = Assert.Throws<OptionsValidationException>(() => Options(o => o.ProtectedAliases.Add(alias)));
        Assert.Contains("Mlops:Governance:ProtectedAliases", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Approvals_that_would_protect_nothing_are_refused() =>
        Assert.Throws<OptionsValidationException>(() => Options(o =>
        {
            o.ApprovalsRequired = 1;
            o.ProtectedAliases.Clear();
        }));

    [Fact]
    public void The_defaults_ask_for_nothing_and_keep_four_eyes()
    {
        GovernanceOptions options = Options(null);
        Assert.Equal((0, false), (options.ApprovalsRequired, options.AuthorMayApprove));
        Assert.Equal(["champion"], options.ProtectedAliases);
    }

    [Fact]
    public void Configuration_is_read_and_code_wins()
    {
        GovernanceOptions options = Options(o => o.AuthorMayApprove = false, new Dictionary<string, string?>
        {
            ["Mlops:Governance:ApprovalsRequired"] = "2",
            ["Mlops:Governance:AuthorMayApprove"] = "true",
            ["Mlops:Governance:ProtectedAliases:0"] = "production",
        });
        Assert.Equal((2, false), (options.ApprovalsRequired, options.AuthorMayApprove));
        Assert.Equal(["champion", "production"], options.ProtectedAliases.Order());
    }

    [Fact]
    public async Task The_container_gives_the_ledger_both_guards_and_they_hold()
    {
        TestStore store = new();
        Builder builder = new();
        TestActors actors = new(new Actor("ada"));
        builder.Services.AddSingleton<IActorAccessor>(actors).AddSingleton<IArtifactStore>(new ArtifactStore(store.Store));
        builder.AddRegistry().AddGovernance(o => o.ApprovalsRequired = 1).AddGovernance();
        builder.Services.AddSingleton<ILedger>(p => ObjectLedger.OpenAsync(store.Store, actors: actors, guards: p.GetServices<ILedgerGuard>()).AsTask().GetAwaiter().GetResult());
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        Assert.Equal([typeof(AccessGuard), typeof(ApprovalGuard)], provider.GetServices<ILedgerGuard>().Select(g => g.GetType()));
        Assert.Same(provider.GetRequiredService<ApprovalGuard>(), provider.GetRequiredService<IApprovalGate>());

        await using TestWorkspace files = await store.OpenAsync();
        IModelRegistry registry = provider.GetRequiredService<IModelRegistry>();
        await registry.RegisterAsync(await files.ManifestAsync(), "trained");
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it"));
        actors.Current = new Actor("bob");
        await provider.GetRequiredService<ApprovalService>().ApproveAsync("taxi-fare", 1, "fine");
        Assert.Equal(1, (await registry.MoveAliasAsync("taxi-fare", "champion", 1, "ship it")).To);
        Assert.True((await provider.GetRequiredService<AuditLog>().VerifyAsync()).Ok);
    }

    private static GovernanceOptions Options(Action<GovernanceOptions>? configure, Dictionary<string, string?>? configuration = null)
    {
        Builder builder = new();
        if (configuration is not null)
        {
            builder.Services.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(configuration).Build());
        }

        builder.AddGovernance(configure);
        using ServiceProvider provider = builder.Services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<GovernanceOptions>>().Value;
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
