using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Mlops.Sdk.Registry;

/// <summary>Which targets there are, by the ledger. Readers get immutable state.</summary>
internal sealed class WebhookBook : ISnapshotProjection
{
    private ImmutableSortedDictionary<string, WebhookInfo> _targets = ImmutableSortedDictionary.Create<string, WebhookInfo>(StringComparer.Ordinal);

    public string SnapshotName => "webhooks";

    public int SnapshotFormat => 1;

    internal ImmutableSortedDictionary<string, WebhookInfo> Targets => Volatile.Read(ref _targets);

    public ISnapshotProjection NewEmpty() => new WebhookBook();

    public void Apply(LedgerEntry entry)
    {
        if (entry.Outcome != LedgerOutcome.Done || entry.Format != 1 || entry.Resource.Kind != "webhook")
        {
            return;
        }

        string name = entry.Resource.Name;
        ImmutableSortedDictionary<string, WebhookInfo> targets = Targets;
        switch (entry.Kind)
        {
            case WebhookKinds.Added when TryRead(entry.Data, WebhookJson.Default.WebhookNote) is { } note && note.Name == name && Webhooks.IsName(name) && !targets.ContainsKey(name):
                Volatile.Write(ref _targets, targets.Add(name, new WebhookInfo(note.ToTarget(), false, entry.Actor, entry.Time, entry.Number)));
                break;
            case WebhookKinds.Removed:
                Volatile.Write(ref _targets, targets.Remove(name));
                break;
            case WebhookKinds.Paused or WebhookKinds.Resumed when targets.TryGetValue(name, out WebhookInfo? info):
                Volatile.Write(ref _targets, targets.SetItem(name, info with { Paused = entry.Kind == WebhookKinds.Paused }));
                break;
        }
    }

    public void SaveSnapshot(IBufferWriter<byte> writer)
    {
        using Utf8JsonWriter json = new(writer);
        JsonSerializer.Serialize(
            json,
            new BookDocument([.. Targets.Values.Select(i => new BookTarget(WebhookNote.Of(i.Target), i.Paused, i.By.Id, i.By.Kind, i.By.Scheme, i.By.OnBehalfOf, i.At, i.Added))]),
            WebhookJson.Default.BookDocument);
    }

    public void LoadSnapshot(ReadOnlyMemory<byte> snapshot)
    {
        try
        {
            BookDocument? book = JsonSerializer.Deserialize(snapshot.Span, WebhookJson.Default.BookDocument);
            Volatile.Write(ref _targets, (book?.Targets ?? throw new FormatException("The saved state of webhooks has no targets.")).ToImmutableSortedDictionary(
                t => t.Note.Name,
                t => new WebhookInfo(t.Note.ToTarget(), t.Paused, new Actor(t.ById, t.ByKind, t.ByScheme, t.ByOnBehalfOf), t.At, t.Added),
                StringComparer.Ordinal));
        }
        catch (Exception error) when (error is JsonException or ArgumentException or NullReferenceException)
        {
            throw new FormatException("The saved state of webhooks does not read.", error);
        }
    }

    internal static T? TryRead<T>(JsonElement data, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return data.Deserialize(type);
        }
        catch (JsonException)
        {
            return null; // not written by this library
        }
    }
}
