using System.Text;
using System.Text.Json;

namespace Mlops.Sdk.Core.Tests.Artifacts;

/// <summary>A clock that stands ahead of the system's by as much as it was told; its timers are real.</summary>
internal sealed class JumpingTime : TimeProvider
{
    private long _ahead;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    internal void Jump(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);
}

/// <summary>What registers and deletes versions as the registry does: files, a manifest that names them, an entry that names the manifest.</summary>
internal static class Registering
{
    internal static async Task<Digest> WriteAsync(IArtifactStore artifacts, string text)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(text));
        return (await artifacts.WriteAsync(content)).Digest;
    }

    internal static string Manifest(string model, int number, IEnumerable<Digest> files) =>
        JsonSerializer.Serialize(new { format = 1, model, number, files = files.Select((f, i) => new { name = $"f{i}", digest = f.ToString() }) });

    /// <summary>Registers; the entry itself names the manifest only, so that the manifest has to be read to know the files.</summary>
    internal static async Task<Digest> RegisterAsync(IArtifactStore artifacts, ILedger ledger, string model, int number, params Digest[] files)
    {
        Digest manifest = await WriteAsync(artifacts, Manifest(model, number, files));
        await ledger.AppendAsync([new LedgerDraft(LedgerKinds.VersionRegistered, new LedgerResource("model", model, number, manifest), "registered", LedgerData.Of(new VersionNote(model, number, manifest, VersionStatus.Validated, [])))]);
        return manifest;
    }

    internal static async Task DeleteAsync(ILedger ledger, string model, int number, Digest manifest) =>
        await ledger.AppendAsync([new LedgerDraft(LedgerKinds.VersionDeleted, new LedgerResource("model", model, number, manifest), "not needed", LedgerData.Of(new TombstoneNote(model, number, manifest)))]);
}
