namespace Mlops.Sdk.Monitoring;

/// <summary>Checks stored signals: <c>signals/DIGEST</c>.</summary>
internal sealed class SignalInspector(ILedger ledger) : NamedObjectInspector(ledger)
{
    public override string Area => "signals";

    protected override string Prefix => "signals/";

    protected override string What => "signals";

    protected override string Remedy => "Restore them from a copy. The alerts that they raised stand in the ledger; only the numbers are lost.";

    protected override (string Name, Digest Digest, long Length)? Read(LedgerEntry entry)
    {
        SignalsNote? note = entry.Kind switch
        {
            MonitoringKinds.WindowClosed => MonitoringJson.TryRead(entry, MonitoringJson.Default.WindowNote)?.Signals,
            MonitoringKinds.SignalsReported => MonitoringJson.TryRead(entry, MonitoringJson.Default.SignalsReportedNote)?.Signals,
            _ => null,
        };
        return note is { Digest.HasValue: true } ? (note.Digest.Hex, note.Digest, note.Length) : null;
    }

    protected override string Describe(string name, ReadOnlySpan<byte> bytes)
    {
        if (!Digest.TryParse($"sha256:{name}", out Digest digest))
        {
            throw new FormatException("its key is no digest");
        }

        return $"{SignalDocument.Read(bytes, digest).Count} signals";
    }
}
