namespace Mlops.Sdk.Monitoring;

/// <summary>Checks closed windows: <c>monitoring/ID</c>.</summary>
internal sealed class WindowInspector(ILedger ledger) : NamedObjectInspector(ledger)
{
    public override string Area => "monitoring";

    protected override string Prefix => "monitoring/";

    protected override string What => "a window";

    protected override string Remedy => "Restore it from a copy. What was found in the window stands in the ledger; only its counts are lost.";

    protected override (string Name, Digest Digest, long Length)? Read(LedgerEntry entry) =>
        entry.Kind == MonitoringKinds.WindowClosed && MonitoringJson.TryRead(entry, MonitoringJson.Default.WindowNote) is { WindowId: { } id } note ? (id, note.Digest, note.Length) : null;

    protected override string Describe(string name, ReadOnlySpan<byte> bytes)
    {
        MonitorWindow window = MonitorWindow.Deserialize(bytes);
        return window.Id == name ? $"a window of {window.Rows} rows of {window.Model} v{window.Version}" : throw new FormatException($"it is the window '{window.Id}'");
    }
}
