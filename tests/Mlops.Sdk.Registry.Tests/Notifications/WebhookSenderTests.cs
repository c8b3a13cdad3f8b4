using System.Collections.Concurrent;
using System.Net;
using System.Text.Json;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.Notifications;

public sealed class WebhookSenderTests
{
    private const string Secret = "a secret that is long enough";

    [Fact]
    public async Task A_real_receiver_gets_who_moved_what_why_and_whether_the_schema_changed_signed()
    {
        using Receiver receiver = new((_, response) =>
        {
            response.StatusCode = 204;
            return Task.CompletedTask;
        });
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync(new Actor("ann", ActorKind.Service, OnBehalfOf: "bob"));
        WebhookOptions options = Quick();
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options);
        await webhooks.AddAsync(new WebhookTarget("ci", receiver.Url + "hook", "key") { Filter = new RegistryEventFilter { Kinds = [RegistryEventKind.AliasMoved], Models = ["taxi*"], Aliases = ["champion"] } }, "tell the deployment");
        await workspace.RegisterAsync();
        await workspace.RegisterAsync("other");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "first");
        await workspace.Registry.MoveAliasAsync("other", "champion", 1, "not asked for");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "challenger", 1, "not asked for");
        ModelManifest wider = await workspace.ManifestAsync(content: "two");
        wider = wider with { Schema = wider.Schema with { Inputs = [.. wider.Schema.Inputs, new ModelInput("Tolls", InputKind.Number, "Tolls")] } };
        await workspace.Registry.RegisterAsync(wider, "one input more");
        await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 2, "better", allowBreaking: true);
        await RunAsync(Sender(webhooks, workspace, options), () => receiver.All.Count >= 2);
        Received[] all = [.. receiver.All];
        Assert.Equal(2, all.Length);
        Assert.All(all, r => Assert.Equal(WebhookVerdict.Good, WebhookSignature.Verify(Secret, r.Signature, r.Body, r.At)));
        Assert.All(all, r => Assert.Equal("/hook", r.Path));
        using JsonDocument second = JsonDocument.Parse(all[1].Body);
        JsonElement root = second.RootElement;
        Assert.Equal(1, root.GetProperty("format").GetInt32());
        Assert.Equal("AliasMoved", root.GetProperty("kind").GetString());
        Assert.Equal(("taxi-fare", "champion", 1, 2), (root.GetProperty("model").GetString(), root.GetProperty("alias").GetString(), root.GetProperty("oldVersion").GetInt32(), root.GetProperty("version").GetInt32()));
        Assert.Equal(("ann", "bob", "better"), (root.GetProperty("by").GetProperty("id").GetString(), root.GetProperty("by").GetProperty("onBehalfOf").GetString(), root.GetProperty("reason").GetString()));
        Assert.True(root.GetProperty("schemaChange").GetProperty("breaking").GetBoolean());
        Assert.Equal(("InputAdded", "Tolls"), (root.GetProperty("schemaChange").GetProperty("changes")[0].GetProperty("kind").GetString(), root.GetProperty("schemaChange").GetProperty("changes")[0].GetProperty("name").GetString()));
        Assert.Equal(all[1].Delivery, root.GetProperty("delivery").GetString());
        Assert.Equal((await workspace.EntriesAsync())[(int)root.GetProperty("number").GetInt64()].Id, root.GetProperty("id").GetString());
        using JsonDocument first = JsonDocument.Parse(all[0].Body);
        Assert.False(first.RootElement.TryGetProperty("oldVersion", out _));
    }

    [Fact]
    public async Task A_receiver_that_fails_is_tried_again_later_and_later_and_in_order_and_its_history_tells()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        int calls = 0;
        StubHandler handler = new(store.Time, _ => ++calls switch
        {
            1 => new HttpResponseMessage(HttpStatusCode.InternalServerError),
            2 => Later(HttpStatusCode.ServiceUnavailable, TimeSpan.FromSeconds(100)),
            3 => throw new HttpRequestException(HttpRequestError.ConnectionError),
            _ => new HttpResponseMessage(HttpStatusCode.OK),
        });
        WebhookOptions options = new() { CreateHandler = () => handler, Timeout = TimeSpan.FromMinutes(5) };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await workspace.RegisterAsync();
        await workspace.RegisterAsync(content: "two");
        await RunAsync(Sender(webhooks, workspace, options), () => handler.All.Count >= 5, store);
        Received[] all = [.. handler.All];
        Assert.Equal(["ci.1", "ci.1", "ci.1", "ci.1", "ci.2"], all.Select(r => r.Delivery));
        Assert.True(all[1].At - all[0].At >= TimeSpan.FromSeconds(1));
        Assert.True(all[2].At - all[1].At >= TimeSpan.FromSeconds(100)); // what the receiver asked for
        Assert.True(all[3].At - all[2].At >= TimeSpan.FromSeconds(4));
        Assert.Single(all.Take(4).Select(r => r.Text).Distinct());
        Assert.Equal(4, all.Take(4).Select(r => r.Signature).Distinct().Count()); // each attempt with its own time
        WebhookDelivery[] kept = await webhooks.DeliveriesAsync("ci").ToArrayAsync();
        Assert.Equal(["ci.2", "ci.1"], kept.Select(d => d.Id));
        Assert.Equal((WebhookDeliveryState.Delivered, 4), (kept[1].State, kept[1].Attempts));
        Assert.Equal([500, 503, null, 200], kept[1].Last.Select(a => a.Status));
        Assert.Null(kept[1].Last[3].Problem);
    }

    [Theory]
    [InlineData(HttpStatusCode.NotFound)]
    [InlineData(HttpStatusCode.Gone)]
    [InlineData(HttpStatusCode.Redirect)]
    public async Task What_trying_again_does_not_change_is_given_up_at_once_told_on_the_ledger_and_can_be_asked_for_again(HttpStatusCode status)
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        HttpStatusCode answer = status;
        StubHandler handler = new(store.Time, r => new HttpResponseMessage(r.Delivery == "ci.1" ? answer : HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler, Timeout = TimeSpan.FromMinutes(5) };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await workspace.RegisterAsync();
        await workspace.RegisterAsync(content: "two");
        await RunAsync(Sender(webhooks, workspace, options), () => handler.All.Count >= 2, store);
        Assert.Equal(["ci.1", "ci.2"], handler.All.Select(r => r.Delivery));
        LedgerEntry dead = Assert.Single(await workspace.EntriesAsync(), e => e.Kind == WebhookKinds.DeadLetter);
        Assert.Equal((LedgerOutcome.Failed, "ci", "ci.1", (int)status), (dead.Outcome, dead.Resource.Name, dead.Data.GetProperty("delivery").GetString(), dead.Data.GetProperty("status").GetInt32()));
        Assert.Equal(WebhookDeliveryState.DeadLetter, (await webhooks.DeliveriesAsync("ci").ToArrayAsync())[^1].State);

        answer = HttpStatusCode.OK;
        await webhooks.RedeliverAsync("ci", "ci.1", "the receiver is mended");
        await RunAsync(Sender(webhooks, workspace, options), () => handler.All.Count >= 3, store);
        Assert.Equal(["ci.1", "ci.2", "ci.1"], handler.All.Select(r => r.Delivery));
        Assert.Equal(handler.All.First().Text, handler.All.Last().Text);
        WebhookDelivery again = (await webhooks.DeliveriesAsync("ci").ToArrayAsync())[0];
        Assert.Equal(("ci.1", WebhookDeliveryState.Delivered, true), (again.Id, again.State, again.Cause > again.Number));
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await webhooks.RedeliverAsync("ci", "ci.999", "no such"));
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await webhooks.RedeliverAsync("ci", "ci.0", "before it was added"));
        await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await webhooks.RedeliverAsync("ci", "other.1", "of another"));
    }

    [Fact]
    public async Task A_receiver_that_stays_away_is_given_up_after_the_stated_span_and_the_next_event_is_sent()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        StubHandler handler = new(store.Time, r => new HttpResponseMessage(r.Delivery == "ci.1" ? HttpStatusCode.BadGateway : HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler, Timeout = TimeSpan.FromMinutes(5), GiveUpAfter = TimeSpan.FromMinutes(10), MaxRetryDelay = TimeSpan.FromMinutes(1) };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await workspace.RegisterAsync();
        await workspace.RegisterAsync(content: "two");
        await RunAsync(Sender(webhooks, workspace, options), () => handler.All.Any(r => r.Delivery == "ci.2"), store);
        Received[] tries = [.. handler.All.Where(r => r.Delivery == "ci.1")];
        Assert.InRange(tries.Length, 2, 40);
        Assert.Single(await workspace.EntriesAsync(), e => e.Kind == WebhookKinds.DeadLetter);
        WebhookDelivery given = (await webhooks.DeliveriesAsync("ci").ToArrayAsync())[^1];
        Assert.Equal((tries.Length, Math.Min(tries.Length, 10)), (given.Attempts, given.Last.Count)); // what is kept is bounded
    }

    [Fact]
    public async Task One_target_that_hangs_does_not_hold_up_another()
    {
        using Receiver slow = new(async (_, _) => await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System));
        using Receiver quick = new((_, _) => Task.CompletedTask);
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        WebhookOptions options = Quick();
        options.Timeout = TimeSpan.FromMinutes(1);
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options);
        await webhooks.AddAsync(new WebhookTarget("slow", slow.Url, "key"), "to test");
        await webhooks.AddAsync(new WebhookTarget("quick", quick.Url, "key"), "to test");
        for (int i = 0; i < 5; i++)
        {
            await workspace.RegisterAsync(content: $"c{i}");
        }

        await RunAsync(Sender(webhooks, workspace, options), () => quick.All.Count >= 5 && !slow.All.IsEmpty);
        Assert.Single(slow.All);
        Assert.Equal(5, quick.All.Select(r => r.Delivery).Distinct().Count());
    }

    [Fact]
    public async Task When_a_sender_dies_another_goes_on_and_doubles_are_known_by_their_id()
    {
        TestStore store = new();
        await using TestWorkspace first = await store.OpenAsync();
        var failing = new FaultInjectingObjectStore(store.Store);
        WebhookOptions options = new();
        StubHandler handler = new(store.Time, _ => new HttpResponseMessage(HttpStatusCode.OK));
        options.CreateHandler = () => handler;
        Webhooks dying = Webhooks.Create(failing, first.Ledger, options, store.Time);
        await dying.AddAsync(Target(), "to test");
        await first.RegisterAsync(content: "one");
        var place = new LedgerSubscription(store.Store, first.Ledger, new LedgerSubscriptionOptions("webhook-ci"), store.Time);
        await RunAsync(Sender(dying, first, options), () => place.ReadCursorAsync().AsTask().Result is { Next: 2 }, store);
        await first.RegisterAsync(content: "two");
        await first.RegisterAsync(content: "three");
        using (var stop = new CancellationTokenSource())
        {
            // sends, and is gone before anything of it is written down: neither the place, nor the history, nor that the name is free
            handler.All.Clear();
            Task sending = Sender(dying, first, options, () => failing.Sometimes(StoreFault.Unavailable, 1, StoreCalls.Put)).RunAsync(stop.Token);
            await PumpAsync(store, () => !handler.All.IsEmpty);
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        Received sent = handler.All.First();
        Assert.Equal("ci.2", sent.Delivery);
        handler.All.Clear();
        await using TestWorkspace second = await store.OpenAsync();
        Webhooks living = Webhooks.Create(store.Store, second.Ledger, options, store.Time);
        await RunAsync(Sender(living, second, options), () => handler.All.Any(r => r.Delivery == "ci.3"), store);
        Assert.Equal(["ci.2", "ci.3"], handler.All.Select(r => r.Delivery)); // the one that was sent came again
        Assert.Equal(sent.Text, handler.All.First().Text);
    }

    [Fact]
    public async Task A_paused_target_gets_what_happened_meanwhile_when_it_is_resumed_and_a_removed_one_nothing_more()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        StubHandler handler = new(store.Time, _ => new HttpResponseMessage(HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await webhooks.PauseAsync("ci", "maintenance");
        await webhooks.PauseAsync("ci", "again changes nothing");
        using var stop = new CancellationTokenSource();
        Task sending = Sender(webhooks, workspace, options).RunAsync(stop.Token);
        await DriveAsync(store, () => workspace.RegisterAsync(content: "one"));
        DateTimeOffset later = store.Time.GetUtcNow().AddMinutes(5);
        await PumpAsync(store, () => store.Time.GetUtcNow() > later);
        Assert.Empty(handler.All);
        await DriveAsync(store, () => webhooks.ResumeAsync("ci", "done").AsTask());
        await PumpAsync(store, () => handler.All.Count == 1);
        await DriveAsync(store, () => webhooks.RemoveAsync("ci", "no longer wanted").AsTask());
        await DriveAsync(store, () => webhooks.AddAsync(Target(), "and again").AsTask());
        await DriveAsync(store, () => workspace.RegisterAsync(content: "two"));
        await PumpAsync(store, () => handler.All.Count == 2);
        Assert.Equal(["ci.2", "ci.6"], handler.All.Select(r => r.Delivery));
        await DriveAsync(store, () => webhooks.RemoveAsync("ci", "for good").AsTask());
        await DriveAsync(store, () => workspace.RegisterAsync(content: "three"));
        later = store.Time.GetUtcNow().AddMinutes(5);
        await PumpAsync(store, () => store.Time.GetUtcNow() > later);
        Assert.Equal(2, handler.All.Count);
        Assert.Empty(await webhooks.ListAsync());
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public async Task Without_its_secret_nothing_is_sent_and_no_secret_is_ever_written()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        StubHandler handler = new(store.Time, _ => new HttpResponseMessage(HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler };
        FixedSecrets secrets = new(null);
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await workspace.RegisterAsync();
        using WebhookSender sender = new(webhooks, new RegistryEvents(workspace.Ledger, workspace.Registry), secrets, options);
        using var stop = new CancellationTokenSource();
        Task sending = sender.RunAsync(stop.Token);
        await PumpAsync(store, () => webhooks.DeliveriesAsync("ci").ToArrayAsync().AsTask().Result is [{ Attempts: > 1 }]);
        Assert.Empty(handler.All);
        Assert.Contains("'key'", (await webhooks.DeliveriesAsync("ci").ToArrayAsync())[0].Last[0].Problem, StringComparison.Ordinal);
        secrets.Secret = Secret;
        await PumpAsync(store, () => handler.All.Count == 1);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        await foreach (ObjectInfo info in store.Store.ListAsync(""))
        {
            using Stream stream = (await store.Store.OpenAsync(info.Key))!;
            using StreamReader reader = new(stream);
            Assert.DoesNotContain(Secret, await reader.ReadToEndAsync(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_name_that_leads_to_a_forbidden_address_is_not_connected_to()
    {
        using Receiver receiver = new((_, _) => Task.CompletedTask);
        TestStore store = new(writersMeet: true);
        await using TestWorkspace workspace = await store.OpenAsync();
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, Quick());
        await webhooks.AddAsync(new WebhookTarget("ci", receiver.Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), "key"), "allowed where it was added");
        await workspace.RegisterAsync();
        WebhookOptions strict = Quick();
        strict.AllowLoopback = false;
        strict.AllowHttp = true;
        ConcurrentQueue<string> problems = [];
        await RunAsync(Sender(webhooks, workspace, strict), () => webhooks.DeliveriesAsync("ci").ToArrayAsync().AsTask().Result is [{ Attempts: > 0 }]);
        WebhookDelivery delivery = (await webhooks.DeliveriesAsync("ci").ToArrayAsync())[0];
        Assert.Contains("this machine", delivery.Last[0].Problem, StringComparison.Ordinal);
        Assert.Empty(receiver.All);

        // and when only the connection can tell, as with a name that leads to an inner address
        using HttpClient client = new(WebhookAddress.CreateHandler(strict));
        HttpRequestException refused = await Assert.ThrowsAsync<HttpRequestException>(() => client.GetAsync(new Uri(receiver.Url)));
        Assert.Contains("this machine", refused.GetBaseException().Message, StringComparison.Ordinal);
        Assert.Empty(receiver.All);
    }

    [Fact]
    public async Task Every_flipped_bit_of_a_page_of_deliveries_is_found()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        StubHandler handler = new(store.Time, _ => new HttpResponseMessage(HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler, Timeout = TimeSpan.FromMinutes(5) };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        await workspace.RegisterAsync();
        await RunAsync(Sender(webhooks, workspace, options), () => !handler.All.IsEmpty, store);
        ObjectKey key = ObjectKey.Parse("webhooks/ci/deliveries/00000000");
        byte[] good;
        await using (Stream stream = (await store.Store.OpenAsync(key))!)
        {
            using MemoryStream copy = new();
            await stream.CopyToAsync(copy);
            good = copy.ToArray();
        }

        Assert.Single(await webhooks.DeliveriesAsync("ci").ToArrayAsync());
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] bad = [.. good];
            bad[bit / 8] ^= (byte)(1 << (bit % 8));
            using MemoryStream content = new(bad);
            await store.Store.PutAsync(key, content);
            MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await webhooks.DeliveriesAsync("ci").ToArrayAsync());
            Assert.Equal("webhook.unreadable_history", error.Code);
        }
    }

    [Fact]
    public async Task A_damaged_page_of_history_stops_no_delivery_and_is_told_to_who_reads_it()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        using (MemoryStream damaged = new("{"u8.ToArray()))
        {
            await store.Store.PutAsync(ObjectKey.Parse("webhooks/ci/deliveries/00000000"), damaged);
        }

        StubHandler handler = new(store.Time, _ => new HttpResponseMessage(HttpStatusCode.OK));
        WebhookOptions options = new() { CreateHandler = () => handler, Timeout = TimeSpan.FromMinutes(5) };
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, options, store.Time);
        await webhooks.AddAsync(Target(), "to test");
        for (int i = 0; i < 120; i++)
        {
            await workspace.AppendAsync(LedgerKinds.TagSet, new TagNote("taxi-fare", null, "k", $"{i}"), new LedgerResource("model", "taxi-fare"));
        }

        await RunAsync(Sender(webhooks, workspace, options), () => handler.All.Count >= 120, store);
        MlopsIntegrityException error = await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await webhooks.DeliveriesAsync("ci").ToArrayAsync());
        Assert.Equal("webhook.unreadable_history", error.Code);
        await store.Store.DeleteAsync(ObjectKey.Parse("webhooks/ci/deliveries/00000000"));
        Assert.Equal(Enumerable.Range(1, 120).Reverse().Select(i => $"ci.{i}"), (await webhooks.DeliveriesAsync("ci").ToArrayAsync()).Select(d => d.Id));
    }

    [Fact]
    public async Task The_saved_view_of_targets_is_that_of_the_whole_ledger()
    {
        TestStore store = new();
        await using TestWorkspace workspace = await store.OpenAsync();
        Webhooks webhooks = Webhooks.Create(store.Store, workspace.Ledger, new WebhookOptions(), store.Time);
        await webhooks.AddAsync(Target() with { Filter = new RegistryEventFilter { Kinds = [RegistryEventKind.TagSet], Models = ["b*", "a"] }, Timeout = TimeSpan.FromSeconds(3) }, "one");
        await webhooks.AddAsync(Target() with { Name = "b" }, "two");
        await webhooks.PauseAsync("b", "three");
        await webhooks.AddAsync(Target() with { Name = "c" }, "four");
        await webhooks.RemoveAsync("c", "five");
        SnapshotConformance.Check(() => new WebhookBook(), await workspace.EntriesAsync());
        System.Buffers.ArrayBufferWriter<byte> saved = new();
        webhooks.Book.SaveSnapshot(saved);
        WebhookBook loaded = new();
        loaded.LoadSnapshot(saved.WrittenMemory);
        Assert.Equal((true, 1L, "ada"), (loaded.Targets["b"].Paused, loaded.Targets["b"].Added, loaded.Targets["b"].By.Id));
        Assert.Equal(TimeSpan.FromSeconds(3), loaded.Targets["ci"].Target.Timeout);
        Assert.Throws<FormatException>(() => new WebhookBook().LoadSnapshot("{}"u8.ToArray()));
        Assert.Throws<FormatException>(() => new WebhookBook().LoadSnapshot("[1"u8.ToArray()));
    }

    [Fact]
    public async Task A_target_that_breaks_the_rules_or_is_there_already_is_refused_and_writes_nothing()
    {
        await using TestWorkspace workspace = await new TestStore().OpenAsync();
        Webhooks webhooks = Webhooks.Create(new InMemoryObjectStore(), workspace.Ledger);
        foreach (WebhookTarget bad in new[] { Target() with { Name = "Bad" }, Target() with { Name = "../x" }, Target() with { Name = new string('a', 57) }, Target() with { SecretKey = "" }, Target() with { SecretKey = "a b" }, Target() with { Timeout = TimeSpan.Zero }, Target() with { Filter = new RegistryEventFilter { Models = ["a/b"] } }, Target() with { Filter = new RegistryEventFilter { Kinds = [(RegistryEventKind)99] } } })
        {
            Assert.Equal("webhook.invalid_target", (await Assert.ThrowsAsync<MlopsDataException>(async () => await webhooks.AddAsync(bad, "why"))).Code);
        }

        Assert.Equal(0, workspace.Ledger.Head.Entries);
        await webhooks.AddAsync(Target(), "why");
        Assert.Equal("webhook.exists", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await webhooks.AddAsync(Target(), "why"))).Code);
        Assert.Equal("webhook.not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await webhooks.PauseAsync("other", "why"))).Code);
        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await webhooks.RemoveAsync("ci", " "))).Code);
        Assert.Equal("webhook.invalid_option", Assert.Throws<MlopsException>(() => new WebhookSender(webhooks, new RegistryEvents(workspace.Ledger, workspace.Registry), new FixedSecrets(null), new WebhookOptions { Timeout = TimeSpan.Zero })).Code);
    }

    private static WebhookTarget Target() => new("ci", "https://hooks.example.com/models", "key");

    private static WebhookOptions Quick() => new() { AllowLoopback = true, RetryDelay = TimeSpan.FromMilliseconds(5), MaxRetryDelay = TimeSpan.FromMilliseconds(20), Lease = TimeSpan.FromSeconds(5) };

    private static HttpResponseMessage Later(HttpStatusCode status, TimeSpan after)
    {
        HttpResponseMessage response = new(status);
        response.Headers.RetryAfter = new(after);
        return response;
    }

    private static WebhookSender Sender(Webhooks webhooks, TestWorkspace workspace, WebhookOptions options, Action? whenSecretIsAsked = null) =>
        new(webhooks, new RegistryEvents(workspace.Ledger, workspace.Registry), whenSecretIsAsked is null ? new FixedSecrets(Secret) : new TellingSecrets(whenSecretIsAsked), options);

    private static async Task RunAsync(WebhookSender sender, Func<bool> until, TestStore? still = null)
    {
        using (sender)
        using (var stop = new CancellationTokenSource())
        {
            Task sending = sender.RunAsync(stop.Token);
            if (still is not null)
            {
                await PumpAsync(still, until);
            }
            else
            {
                while (!until() && !sending.IsCompleted)
                {
                    await Task.Yield();
                }
            }

            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }
    }

    /// <summary>Lets the still clock run until something holds.</summary>
    /// <summary>Does something while the sender works: when both write at once, one of them waits for the clock.</summary>
    private static async Task DriveAsync(TestStore store, Func<Task> act)
    {
        Task acting = act();
        await PumpAsync(store, () => acting.IsCompleted);
        await acting;
    }

    private static async Task PumpAsync(TestStore store, Func<bool> holds)
    {
        while (!holds())
        {
            store.Time.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Delay(TimeSpan.FromMilliseconds(4), TimeProvider.System); // a busy machine must not seem to be a receiver that does not answer
        }
    }

    private sealed class TellingSecrets(Action told) : IWebhookSecrets
    {
        public ValueTask<string?> FindAsync(string key, CancellationToken cancellationToken = default)
        {
            told();
            return ValueTask.FromResult<string?>(Secret);
        }
    }
}
