packages prometheus-node-exporter
folder /var/lib/prometheus/node-exporter 755 root
units prometheus-node-exporter.service
