using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Notifications;

public sealed class RegistryEventsTests
{
    [Fact]
    public async Task A_watcher_sees_old_and_new_version_who_why_and_whether_the_schema_changed()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync(new Actor("ann"));
        await workspace.RegisterAsync();
        ModelManifest other = await workspace.ManifestAsync(content: "two");
        await workspace.Registry.RegisterAsync(other with { Schema = other.Schema with { Inputs = [other.Schema.Inputs[0] with { Kind = InputKind.Text, Minimum = null, Maximum = null }] } }, "as text");
        await workspace.RegisterAsync(content: "three", status: VersionStatus.Rejected);
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "second", allowBreaking: true);
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 3, "rejected: no event"));
        RegistryEvent[] all = await WatchAsync(workspace, 5);
        Assert.Equal([RegistryEventKind.VersionRegistered, RegistryEventKind.VersionRegistered, RegistryEventKind.VersionRejected, RegistryEventKind.AliasMoved, RegistryEventKind.AliasMoved], all.Select(e => e.Kind));
        Assert.Equal([null, null, null, null, 1], all.Select(e => e.OldVersion));
        Assert.Equal([1, 2, 3, 1, 2], all.Select(e => e.Version!.Value));
        Assert.Equal(("ann", "second", "champion"), (all[4].By.Id, all[4].Reason, all[4].Alias));
        Assert.Contains(all[4].SchemaChange!.Changes, c => c is { Kind: SchemaChangeKind.InputKindChanged, Name: "Distance", Breaking: true });
        Assert.True(all[4].SchemaChange!.Breaking);
        Assert.Null(all[3].SchemaChange);
        LedgerEntry entry = (await workspace.EntriesAsync())[(int)all[4].Number];
        Assert.Equal((entry.Id, entry.Time), (all[4].Id, all[4].Time));
    }

    [Fact]
    public async Task Everything_that_happens_to_a_model_is_an_event_and_what_is_not_readable_is_none()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        var model = new LedgerResource("model", "m", 1);
        Digest digest = Digest.Of("x"u8);
        await workspace.AppendAsync(LedgerKinds.StageMoved, new StageNote("m", 1, "Validated", "Approved"), model);
        await workspace.AppendAsync(LedgerKinds.VersionDeprecated, new DeprecationNote("m", 1, 2), model);
        await workspace.AppendAsync(LedgerKinds.VersionDeleted, new TombstoneNote("m", 1, digest), model);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("m", 1, "eu", "yes"), model);
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("m", null, "ann"), model);
        await workspace.AppendAsync(LedgerKinds.ApprovalGiven, new ApprovalNote("m", 1, digest), model);
        await workspace.AppendAsync(LedgerKinds.DeploymentStarted, new DeploymentNote("m", 1, "web-1"), model);
        await workspace.AppendAsync(LedgerKinds.DeploymentEnded, new DeploymentNote("m", 1, "web-1"), model);
        await workspace.Ledger.AppendAsync([new LedgerDraft(LedgerKinds.DeploymentFailed, model, "no", LedgerData.Of(new DeploymentNote("m", 1, "web-1", Problem: "bad file"))) { Outcome = LedgerOutcome.Failed }]);
        await workspace.AppendAsync(LedgerKinds.AlertRaised, new AlertNote("a1", "m", 1, "drift", "moved", new Dictionary<string, double>()), model);
        await workspace.AppendAsync(LedgerKinds.AliasMoved, new AliasNote("m", "champion", 1, 0, default), model);
        await workspace.AppendAsync(LedgerKinds.AccessRequested, new AccessRequestNote("m"), model);
        await workspace.AppendAsync(LedgerKinds.AccessAnswered, new AccessAnswerNote("m", "r1", false), model);
        await workspace.AppendAsync(LedgerKinds.ModelRated, new RatingNote("m", 4), model);
        await workspace.AppendAsync(LedgerKinds.TagSet, new TombstoneNote("m", 1, digest), model);             // another document than the kind says
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("m", 1, "eu", "yes"), model, format: 2);   // a newer library's
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("../m", 1, "eu", "yes"), model);           // no name of a model
        await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("last", 1, "eu", null), new LedgerResource("model", "last", 1));
        RegistryEvent[] all = await WatchAsync(workspace, 15);
        Assert.Equal(
            [
                RegistryEventKind.StageMoved, RegistryEventKind.VersionDeprecated, RegistryEventKind.VersionDeleted, RegistryEventKind.TagSet, RegistryEventKind.ModelDescribed, RegistryEventKind.Approval,
                RegistryEventKind.DeploymentStarted, RegistryEventKind.DeploymentEnded, RegistryEventKind.DeploymentRefused, RegistryEventKind.AlertRaised, RegistryEventKind.AliasMoved,
                RegistryEventKind.AccessRequested, RegistryEventKind.AccessAnswered, RegistryEventKind.ModelRated, RegistryEventKind.TagSet,
            ],
            all.Select(e => e.Kind));
        Assert.Equal("Approved", all[0].Details["stage"]);
        Assert.Equal("2", all[1].Details["successor"]);
        Assert.Equal("bad file", all[8].Details["problem"]);
        Assert.Equal((1, null), (all[10].OldVersion, all[10].Version));
        Assert.Equal((all[11].Id, "r1", "false"), (all[11].Details["request"], all[12].Details["request"], all[12].Details["granted"]));
        Assert.Equal("4", all[13].Details["stars"]);
        Assert.Equal("true", all[14].Details["removed"]);
    }

    [Fact]
    public void Equal_schemas_do_not_differ_and_different_ones_do() => Gen.Select(GenSchema, GenSchema).Sample((a, b) =>
    {
        SchemaDifference there = SchemaDifference.Between(a, b);
        bool same = a.Task == b.Task && a.Inputs.SequenceEqual(b.Inputs) && a.Outputs.SequenceEqual(b.Outputs);
        return !SchemaDifference.Between(a, a).Changed && there.Changed != same && (!there.Breaking || there.Changed);
    });

    [Fact]
    public async Task A_handler_is_told_also_of_what_happened_while_no_host_ran()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        Recorder recorder = new() { FailOnce = 2 };
        await workspace.RegisterAsync(content: "before anybody listened");
        await RunHostAsync(store, workspace, recorder, async () => await workspace.RegisterAsync(content: "two"), 1);
        await workspace.RegisterAsync(content: "three");
        await workspace.RegisterAsync("other", "not asked for");
        await RunHostAsync(store, workspace, recorder, async () => await workspace.RegisterAsync(content: "four"), 4);
        Assert.Equal([2, 3, 3, 4], recorder.Versions); // the second one failed once and came again
    }

    [Fact]
    public void Two_handlers_of_one_name_and_bad_names_are_refused()
    {
        Builder builder = new();
        builder.AddRegistryHandler<Recorder>("one");
        Assert.Equal("registry.invalid_handler", Assert.Throws<MlopsException>(() => builder.AddRegistryHandler<Recorder>("one")).Code);
        Assert.Equal("ledger.invalid_option", Assert.Throws<MlopsException>(() => builder.AddRegistryHandler<Recorder>("No name")).Code);
    }

    private static readonly Gen<ModelSchema> GenSchema = Gen.Select(Gen.Int[0, 15], Gen.Int[0, 15], Gen.Int[0, 7], Gen.Enum<ModelTask>(), (inputs, kinds, outputs, task) => new ModelSchema(
        task,
        [.. Enumerable.Range(0, 4).Where(i => (inputs >> i & 1) == 1).Select(i => new ModelInput($"i{i}", (kinds >> i & 1) == 1 ? InputKind.Text : InputKind.Number, $"i{i}"))],
        [.. Enumerable.Range(0, 3).Where(i => (outputs >> i & 1) == 1).Select(i => $"o{i}")],
        "label"));

    private static async Task<RegistryEvent[]> WatchAsync(TestWorkspace workspace, int count)
    {
        List<RegistryEvent> all = [];
        await foreach (RegistryEvent happened in new RegistryEvents(workspace.Ledger, workspace.Registry).WatchAsync(from: 0))
        {
            all.Add(happened);
            if (all.Count == count)
            {
                break;
            }
        }

        return [.. all];
    }

    private static async Task RunHostAsync(TestStore store, TestWorkspace workspace, Recorder recorder, Func<Task> act, int until)
    {
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts).AddSingleton(store.Store).AddSingleton(recorder);
        builder.AddRegistry().AddRegistryHandler<Recorder>("recorder", o =>
        {
            o.Filter = new RegistryEventFilter { Models = ["taxi-fare"] };
            o.RetryDelay = TimeSpan.FromMilliseconds(1);
        });
        await using ServiceProvider provider = builder.Services.BuildServiceProvider();
        IHostedService service = Assert.Single(provider.GetServices<IHostedService>());
        await service.StartAsync(CancellationToken.None);
        var subscription = new LedgerSubscription(store.Store, workspace.Ledger, new LedgerSubscriptionOptions("handler-recorder"));
        while (await subscription.ReadCursorAsync() is not { Holder: not null })
        {
            await Task.Yield();
        }

        await act();
        while (recorder.Versions.Count < until)
        {
            await Task.Yield();
        }

        await service.StopAsync(CancellationToken.None);
    }

    private sealed class Recorder : IRegistryHandler
    {
        internal ConcurrentQueue<int> Versions { get; } = [];

        internal int FailOnce { get; set; }

        public ValueTask HandleAsync(RegistryEvent happened, CancellationToken cancellationToken)
        {
            Versions.Enqueue(happened.Version!.Value);
            return Versions.Count == FailOnce ? throw new InvalidOperationException("once") : default;
        }
    }

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }
}
